# Aurora PostgreSQL Serverless v2. At 0 ACU only storage is charged; the first connection after a pause takes about 15 s.

resource "aws_db_subnet_group" "this" {
  count = local.network

  name       = var.project
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_rds_cluster_parameter_group" "this" {
  count = local.network

  name        = var.project
  family      = "aurora-postgresql16"
  description = "TLS only; statements that change the schema are logged; who is idle is sent away."

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  # A function killed in the middle of a transaction holds its locks no longer than a lease.
  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = "180000"
  }

  # Frozen and terminated functions do not close their connections, and Aurora does not pause while one is open.
  parameter {
    name  = "idle_session_timeout"
    value = tostring(local.connection_seconds * 1000)
  }
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV_AWS_327:The AWS managed key for RDS; a customer key adds no protection beyond IAM.
  #checkov:skip=CKV_AWS_162:The functions log in with a password from SSM, which works with any PostgreSQL.
  #checkov:skip=CKV2_AWS_8:Seven days of automatic backups and a final snapshot; an AWS Backup plan adds cost.
  #checkov:skip=CKV2_AWS_27:Schema changes are logged, queries are not: they contain personal data.
  #checkov:skip=CKV_AWS_139:On unless var.allow_data_loss, which `make destroy` sets after asking.
  count = local.network

  cluster_identifier              = var.project
  engine                          = "aurora-postgresql"
  engine_version                  = "16" # AWS picks the newest minor version; old ones become unavailable
  database_name                   = "imagesite"
  master_username                 = "imagesite"
  master_password_wo              = var.secrets.database_password
  master_password_wo_version      = var.secrets_version
  db_subnet_group_name            = aws_db_subnet_group.this[0].name
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this[0].name
  vpc_security_group_ids          = [aws_security_group.database[0].id]
  storage_encrypted               = true
  backup_retention_period         = 7
  copy_tags_to_snapshot           = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
  apply_immediately               = true
  deletion_protection             = !var.allow_data_loss
  skip_final_snapshot             = var.allow_data_loss
  final_snapshot_identifier       = "${var.project}-final"

  serverlessv2_scaling_configuration {
    min_capacity             = 0
    max_capacity             = var.database_max_capacity
    seconds_until_auto_pause = var.database_pause_seconds
  }

  # AWS upgrades minor versions by itself.
  lifecycle {
    ignore_changes = [engine_version]
  }

  depends_on = [aws_cloudwatch_log_group.database]
}

resource "aws_rds_cluster_instance" "this" {
  #checkov:skip=CKV_AWS_118:Enhanced monitoring is charged even while the cluster is paused.
  #checkov:skip=CKV_AWS_353:Performance Insights keeps a paused cluster awake.
  count = local.network * (var.high_availability ? 2 : 1)

  identifier                 = count.index == 0 ? var.project : "${var.project}-${count.index + 1}"
  promotion_tier             = 1 # scales and pauses together with the writer
  cluster_identifier         = aws_rds_cluster.this[0].id
  engine                     = aws_rds_cluster.this[0].engine
  instance_class             = "db.serverless"
  auto_minor_version_upgrade = true
}
