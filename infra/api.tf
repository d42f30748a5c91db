# Zappa's API requires a key that only CloudFront sends. API Gateway rejects requests that bypass CloudFront, and with it
# the firewall, so they do not use up the functions' concurrency.

locals {
  # One per origin secret, derived from it, so that both rotate together. The names reveal nothing about the values.
  api_key_names = nonsensitive([for secret in var.origin_secrets : substr(sha256("name of ${secret}"), 0, 8)])
  api_keys      = { for secret in var.origin_secrets : substr(sha256("name of ${secret}"), 0, 8) => sha256("key of ${secret}") }
}

resource "aws_api_gateway_api_key" "edge" {
  for_each = toset(local.api_key_names)

  name        = "${var.project}-edge-${each.key}"
  description = "The key that CloudFront sends."
  value       = local.api_keys[each.key]
}

resource "aws_api_gateway_usage_plan" "edge" {
  count = local.web_deployed ? 1 : 0

  name        = "${var.project}-edge"
  description = "All requests through CloudFront."

  api_stages {
    api_id = data.aws_api_gateway_rest_api.web[0].id
    stage  = "production"
  }

  throttle_settings {
    rate_limit  = var.api_requests_per_second
    burst_limit = 2 * var.api_requests_per_second
  }
}

resource "aws_api_gateway_usage_plan_key" "edge" {
  for_each = local.web_deployed ? aws_api_gateway_api_key.edge : {}

  usage_plan_id = aws_api_gateway_usage_plan.edge[0].id
  key_id        = each.value.id
  key_type      = "API_KEY"
}
