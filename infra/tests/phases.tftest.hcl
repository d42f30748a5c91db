# Runs the same apply before and after `zappa deploy`; Zappa's resources are found by name.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

override_resource {
  target = aws_iam_role.web
  values = { arn = "arn:aws:iam::123456789012:role/imagesite-web" }
}

override_resource {
  target = aws_iam_role.worker
  values = { arn = "arn:aws:iam::123456789012:role/imagesite-worker" }
}

# The values of the example committed as zappa_settings.json.
variables {
  origin_secrets         = ["first"]
  secrets_version        = 1
  database_mode          = "external"
  domain_name            = "images.example.com"
  zone_name              = "example.com"
  cloudfront_public_keys = ["-----BEGIN PUBLIC KEY-----"]
  secrets = {
    web_secret_keys        = "web"
    worker_secret_key      = "worker"
    origin_secrets         = "first,second"
    database_password      = "password"
    database_url           = "postgres://somewhere"
    cloudfront_private_key = "-----BEGIN PRIVATE KEY-----"
  }
}

run "before_zappa_deploy" {
  assert {
    condition     = output.deployed == false
    error_message = "Nothing is deployed yet."
  }

  assert {
    condition     = aws_cloudfront_distribution.site.default_cache_behavior[0].target_origin_id == "static"
    error_message = "Before the first deploy there is no API to serve pages."
  }

  assert {
    condition     = toset([for origin in aws_cloudfront_distribution.site.origin : origin.origin_id]) == toset(["static", "results", "uploads", "originals"])
    error_message = "Before the first deploy only the buckets are origins."
  }

  assert {
    condition     = length(aws_lambda_function_event_invoke_config.worker) == 0
    error_message = "The worker does not exist yet."
  }

  assert {
    condition     = output.zappa_settings == file("../zappa_settings.json")
    error_message = "zappa_settings.json in the repository is not what the template renders with the example's values."
  }

  assert {
    condition     = aws_s3_object.zappa_settings.content == output.zappa_settings
    error_message = "The deployment bucket must contain the same settings, for pipelines."
  }
}

run "between_the_two_deploys" {
  override_data {
    target = data.aws_lambda_functions.all
    values = { function_names = ["imagesite-production", "somebody-elses"] }
  }

  assert {
    condition     = output.deployed == false && length(aws_lambda_function_event_invoke_config.worker) == 0
    error_message = "Without the worker the system is not fully deployed."
  }
}

run "after_zappa_deploy" {
  override_data {
    target = data.aws_lambda_functions.all
    values = { function_names = ["imagesite-production", "imagesite-production-worker"] }
  }

  assert {
    condition     = output.deployed
    error_message = "Both functions exist."
  }

  assert {
    condition     = aws_cloudfront_distribution.site.default_cache_behavior[0].target_origin_id == "api"
    error_message = "Pages come from the API."
  }

  assert {
    condition = anytrue([
      for origin in aws_cloudfront_distribution.site.origin :
      origin.domain_name == "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com" && origin.origin_path == "/production" &&
      anytrue([for header in origin.custom_header : header.name == "X-Origin-Verify" && header.value == "first"]) &&
      anytrue([for header in origin.custom_header : header.name == "X-Api-Key" && header.value == values(aws_api_gateway_api_key.edge)[0].value])
    ])
    error_message = "CloudFront must call Zappa's stage with the secret header and an API key of its usage plan."
  }

  assert {
    condition = (
      one(aws_api_gateway_usage_plan.edge[0].api_stages).api_id == "a1b2c3d4e5" && one(aws_api_gateway_usage_plan.edge[0].api_stages).stage == "production" &&
      aws_api_gateway_usage_plan.edge[0].throttle_settings[0].rate_limit == 200 && length(aws_api_gateway_usage_plan_key.edge) == 1
    )
    error_message = "The key must belong to a throttled usage plan of Zappa's stage."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.worker[0].destination_config[0].on_failure[0].destination == aws_sqs_queue.failed.arn
    error_message = "Events that fail for good must go to the failed queue."
  }
}
