# Checks alarms, logs and notifications with the defaults and an email address.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  origin_secrets  = ["first"]
  secrets_version = 1
  alarm_email     = "someone@example.com"
  secrets = {
    web_secret_keys   = "web"
    worker_secret_key = "worker"
    origin_secrets    = "first"
    database_password = "password"
  }
}

run "alarms" {
  override_data {
    target = data.aws_lambda_functions.all
    values = { function_names = ["imagesite-production", "imagesite-production-worker"] }
  }

  assert {
    condition = length(setsubtract([
      "AWS/Lambda Errors imagesite-production",
      "AWS/Lambda Throttles imagesite-production",
      "imagesite SlowPages web",
      "AWS/Lambda Errors imagesite-production-worker",
      "AWS/Lambda Throttles imagesite-production-worker",
      "AWS/Lambda Duration imagesite-production-worker",
      "AWS/Lambda AsyncEventAge imagesite-production-worker",
      "AWS/Lambda AsyncEventsDropped imagesite-production-worker",
      "AWS/Lambda DestinationDeliveryFailures imagesite-production-worker",
      "AWS/Lambda RecursiveInvocationsDropped imagesite-production-worker",
      "AWS/SQS ApproximateNumberOfMessagesVisible imagesite-production-worker-failed",
      "AWS/ApiGateway 5XXError imagesite-production",
      "AWS/RDS ACUUtilization imagesite",
      "AWS/RDS DatabaseConnections imagesite",
      "AWS/DynamoDB WriteThrottleEvents imagesite-metadata",
      "imagesite WebServerError ",
      "imagesite WorkerTimeout ",
      "imagesite WorkerOutOfMemory ",
      "imagesite WorkerUnknownBucket ",
      "imagesite WorkerBadSignature ",
      ], [
      for alarm in aws_cloudwatch_metric_alarm.this :
      "${alarm.namespace} ${alarm.metric_name} ${try(coalesce([for name, value in alarm.dimensions : value if name != "Stage"]...), "")}"
    ])) == 0
    error_message = "A possible fault has no alarm."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.conversions_failing, aws_cloudwatch_metric_alarm.edge_errors]) :
      alarm.treat_missing_data == "notBreaching" && length(alarm.alarm_actions) == 1 && length(alarm.ok_actions) == 1
    ])
    error_message = "An alarm notifies nobody, or goes off without data."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.edge_errors.metric_name == "5xxErrorRate" && aws_cloudwatch_metric_alarm.edge_errors.dimensions.Region == "Global"
    error_message = "CloudFront's errors have no alarm."
  }

  assert {
    condition     = toset(flatten([for query in aws_cloudwatch_metric_alarm.conversions_failing.metric_query : [for metric in query.metric : metric.metric_name]])) == toset(["Failed", "Finished"])
    error_message = "Failing conversions have no alarm."
  }

  assert {
    condition     = toset([for filter in aws_cloudwatch_log_metric_filter.this : filter.metric_transformation[0].name]) == toset([for alarm in aws_cloudwatch_metric_alarm.this : alarm.metric_name if alarm.namespace == "imagesite" && length(coalesce(alarm.dimensions, {})) == 0])
    error_message = "The metrics counted in the logs are not those with an alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["worker-slow"].threshold == 240000
    error_message = "The worker counts as slow at 80 percent of its timeout."
  }
}

run "logs_and_events" {
  override_data {
    target = data.aws_lambda_functions.all
    values = { function_names = ["imagesite-production", "imagesite-production-worker"] }
  }

  assert {
    condition = toset([for group in aws_cloudwatch_log_group.function : group.name]) == toset([
      "/aws/lambda/imagesite-production",
      "/aws/lambda/imagesite-production-worker",
    ]) && alltrue([for group in concat(values(aws_cloudwatch_log_group.function), aws_cloudwatch_log_group.database) : group.retention_in_days == 30])
    error_message = "Logs are kept for thirty days, in groups created before the functions."
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_query_definition.this :
      length(query.log_group_names) > 0 && length(setsubtract(query.log_group_names, [for group in aws_cloudwatch_log_group.function : group.name])) == 0
    ]) && length(aws_cloudwatch_query_definition.this) == 5
    error_message = "A saved query uses a log group that does not exist."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.worker[0].maximum_retry_attempts == 2 &&
      aws_sqs_queue.failed.message_retention_seconds == 1209600 && aws_sqs_queue.failed.sqs_managed_sse_enabled
    )
    error_message = "An event is tried three times, then kept encrypted in the failed queue for two weeks."
  }

  assert {
    condition     = { for notification in aws_budgets_budget.monthly[0].notification : notification.notification_type => notification.threshold } == { ACTUAL = 80, FORECASTED = 100 }
    error_message = "The budget sends mail at 80 % and when the forecast exceeds it."
  }

  assert {
    condition = anytrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      startswith(widget.properties.title, "Estimated cost") && length(widget.properties.metrics) == 7
    ])
    error_message = "The dashboard shows the cost per day."
  }
}

run "data" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.metadata.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.metadata.ttl[0].attribute_name == "expires_at" &&
      aws_dynamodb_table.metadata.ttl[0].enabled && aws_dynamodb_table.metadata.point_in_time_recovery[0].enabled
    )
    error_message = "Metadata is billed per request, expires and can be restored."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this : one(one(rule.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"])
    error_message = "A bucket is not encrypted."
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_versioning.this)) == toset(["static", "deployment"])
    error_message = "Code and pages are versioned, images are not."
  }

  assert {
    condition = (
      aws_cognito_user_pool.people.password_policy[0].minimum_length == 12 && aws_cognito_user_pool.people.mfa_configuration == "OPTIONAL" &&
      aws_cognito_user_pool.people.software_token_mfa_configuration[0].enabled && aws_cognito_user_pool.people.username_attributes == toset(["email"]) &&
      aws_cognito_user_pool.people.auto_verified_attributes == toset(["email"]) && aws_cognito_user_group.staff.name == "staff"
    )
    error_message = "Users log in with a verified address and a strong password, and can add a second factor."
  }

  assert {
    condition     = aws_cloudfront_function.viewer_request.publish && strcontains(aws_cloudfront_function.viewer_request.code, "x-forwarded-host")
    error_message = "CloudFront must forward the visitor's host."
  }
}
