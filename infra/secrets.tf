# At its start each function reads the parameters under its own path, named like the settings. The values are write-only
# arguments, so they do not appear in the state.

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
    "web/CLOUDFRONT_KEY_ID"      = local.link_key_id # written with its key, so that a function never reads two that do not match
    "worker/SECRET_KEY"          = var.secrets.worker_secret_key
    "worker/DATABASE_URL"        = local.database_url
  }

  secret_names = toset(concat(
    ["web/SECRET_KEY", "web/SECRET_KEY_FALLBACKS", "web/DATABASE_URL", "web/ORIGIN_SECRETS", "worker/SECRET_KEY", "worker/DATABASE_URL"],
    local.signed_links ? ["web/CLOUDFRONT_PRIVATE_KEY", "web/CLOUDFRONT_KEY_ID"] : [],
  ))
}

resource "aws_ssm_parameter" "secret" {
  #checkov:skip=CKV_AWS_337:The AWS managed key for SSM decrypts only for roles that may read the parameter.
  for_each = local.secret_names

  name             = "${local.secrets_paths[split("/", each.key)[0]]}/${split("/", each.key)[1]}"
  description      = "Read by the ${split("/", each.key)[0]} function."
  type             = "SecureString"
  value_wo         = local.secret_values[each.key]
  value_wo_version = var.secrets_version

  # CloudFront must know a key before links are signed with it.
  depends_on = [aws_cloudfront_key_group.links]
}
