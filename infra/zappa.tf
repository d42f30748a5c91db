# Zappa creates both functions and the REST API; they are looked up by name. Before the first `zappa deploy` there are
# none, and CloudFront serves the static bucket; the next apply connects them.

data "aws_lambda_functions" "all" {}

data "aws_api_gateway_rest_api" "web" {
  count = local.web_deployed ? 1 : 0
  name  = local.web_function
}

locals {
  web_deployed    = contains(data.aws_lambda_functions.all.function_names, local.web_function)
  worker_deployed = contains(data.aws_lambda_functions.all.function_names, local.worker_function)
  api_domain      = one([for api in data.aws_api_gateway_rest_api.web : "${api.id}.execute-api.${var.region}.amazonaws.com"])

  environment = {
    COGNITO_CLIENT_ID            = aws_cognito_user_pool_client.site.id
    COGNITO_USER_POOL_ID         = aws_cognito_user_pool.people.id
    CONFIGURATION_TABLE          = aws_dynamodb_table.configuration.name
    CORS_ORIGINS                 = join(",", var.cors_origins)
    GUESTS                       = tostring(coalesce(var.guests, var.sign_up == "open"))
    GUEST_ADDRESS_JOBS_AN_HOUR   = tostring(var.guest_address_jobs_an_hour)
    GUEST_BYTES_KEPT             = tostring(var.guest_bytes_kept)
    GUEST_JOBS_AN_HOUR           = tostring(var.guest_jobs_an_hour)
    GUEST_RETENTION_HOURS        = tostring(coalesce(var.guest_retention_hours, min(24, var.retention_hours)))
    IMPORT_BY_URL                = tostring(!local.in_network || var.outbound_internet)
    MAX_RETENTION_HOURS          = tostring(var.max_retention_hours)
    METADATA_TABLE               = aws_dynamodb_table.metadata.name
    POWERTOOLS_METRICS_NAMESPACE = var.project
    REKOGNITION                  = tostring(var.labels)
    RESULTS_BUCKET               = local.bucket_names.results
    RETENTION_HOURS              = tostring(var.retention_hours)
    SIGN_UP                      = var.sign_up
    SITE_DOMAIN                  = local.site_domain
    STATIC_BUCKET                = local.bucket_names.static
    UPLOADS_BUCKET               = local.bucket_names.uploads
    WEBHOOKS                     = tostring(!local.in_network || var.outbound_internet)
    WORKER_FUNCTION              = local.worker_function
  }

  zappa_settings = templatefile("${path.module}/zappa_settings.json.tftpl", {
    project            = var.project
    region             = var.region
    partition          = local.partition
    deployment_bucket  = local.bucket_names.deployment
    uploads_bucket     = local.bucket_names.uploads
    web_role           = aws_iam_role.web.arn
    worker_role        = aws_iam_role.worker.arn
    web_concurrency    = jsonencode(var.web_concurrency)
    worker_concurrency = jsonencode(var.worker_concurrency)
    worker_timeout     = var.worker_timeout_seconds
    sweep_schedule     = local.sweep_schedule
    tracing            = var.tracing
    web_environment = merge(local.environment, {
      CLOUDFRONT_DOMAIN       = aws_cloudfront_distribution.site.domain_name
      POWERTOOLS_SERVICE_NAME = "web"
      SECRETS_PATH            = local.secrets_paths.web
    })
    worker_environment = merge(local.environment, { POWERTOOLS_SERVICE_NAME = "worker", SECRETS_PATH = local.secrets_paths.worker })
    vpc_config = jsonencode(local.in_network ? {
      SubnetIds        = aws_subnet.private[*].id
      SecurityGroupIds = aws_security_group.functions[*].id
    } : {})
  })
}

# For pipelines that may deploy but cannot read the state.
resource "aws_s3_object" "zappa_settings" {
  bucket       = aws_s3_bucket.this["deployment"].id
  key          = "zappa_settings.json"
  content      = local.zappa_settings
  content_type = "application/json"

  depends_on = [aws_s3_bucket_server_side_encryption_configuration.this]
}
