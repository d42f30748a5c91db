# Each function reads every parameter under its own path at its start, named as the setting it fills. The values
# come through write-only arguments: the state does not hold them.

locals {
  database_url = local.in_network ? one([
    for cluster in aws_rds_cluster.this :
    "postgres://${cluster.master_username}:${var.secrets.database_password}@${cluster.endpoint}:5432/${cluster.database_name}?sslmode=verify-full&sslrootcert=/var/task/rds-ca.pem&conn_max_age=${local.connection_seconds}"
  ]) : var.secrets.database_url

  secret_values = {
    "web/SECRET_KEY"             = split(",", var.secrets.web_secret_keys)[0]
    "web/SECRET_KEY_FALLBACKS"   = var.secrets.web_secret_keys
    "web/DATABASE_URL"           = local.database_url
    "web/ORIGIN_SECRETS"         = var.secrets.origin_secrets
    "web/CLOUDFRONT_PRIVATE_KEY" = var.secrets.cloudfront_private_key
    "web/CLOUDFRONT_KEY_ID"      = local.link_key_id # beside its key, so that a function never starts with one of each
    "worker/SECRET_KEY"          = var.secrets.worker_secret_key
    "worker/DATABASE_URL"        = local.database_url
  }

  secret_names = toset(concat(
    ["web/SECRET_KEY", "web/SECRET_KEY_FALLBACKS", "web/DATABASE_URL", "web/ORIGIN_SECRETS", "worker/SECRET_KEY", "worker/DATABASE_URL"],
    local.signed_links ? ["web/CLOUDFRONT_PRIVATE_KEY", "web/CLOUDFRONT_KEY_ID"] : [],
  ))
}

resource "aws_ssm_parameter" "secret" {
  #checkov:skip=CKV_AWS_337:AWS's key for SSM: only a role that may read the parameter gets it opened.
  for_each = local.secret_names

  name             = "${local.secrets_paths[split("/", each.key)[0]]}/${split("/", each.key)[1]}"
  description      = "Read by the ${split("/", each.key)[0]} function."
  type             = "SecureString"
  value_wo         = local.secret_values[each.key]
  value_wo_version = var.secrets_version

  # A key signs only after CloudFront knows it.
  depends_on = [aws_cloudfront_key_group.links]
}
