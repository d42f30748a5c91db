# Alarms, logs and notifications; with the defaults and an email address.

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
    error_message = "Something that can go wrong rings no alarm."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.conversions_failing, aws_cloudwatch_metric_alarm.edge_errors]) :
      alarm.treat_missing_data == "notBreaching" && length(alarm.alarm_actions) == 1 && length(alarm.ok_actions) == 1
    ])
    error_message = "An alarm tells nobody, or rings when nothing happens."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.edge_errors.metric_name == "5xxErrorRate" && aws_cloudwatch_metric_alarm.edge_errors.dimensions.Region == "Global"
    error_message = "CloudFront's errors ring no alarm."
  }

  assert {
    condition     = toset(flatten([for query in aws_cloudwatch_metric_alarm.conversions_failing.metric_query : [for metric in query.metric : metric.metric_name]])) == toset(["Failed", "Finished"])
    error_message = "Nobody notices that conversions fail."
  }

  assert {
    condition     = toset([for filter in aws_cloudwatch_log_metric_filter.this : filter.metric_transformation[0].name]) == toset([for alarm in aws_cloudwatch_metric_alarm.this : alarm.metric_name if alarm.namespace == "imagesite" && length(coalesce(alarm.dimensions, {})) == 0])
    error_message = "What is counted in the logs and what rings are not the same."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["worker-slow"].threshold == 240000
    error_message = "The worker counts as slow at 80 percent of its time-out."
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
    error_message = "Logs are kept for thirty days, in groups made before the functions."
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_query_definition.this :
      length(query.log_group_names) > 0 && length(setsubtract(query.log_group_names, [for group in aws_cloudwatch_log_group.function : group.name])) == 0
    ]) && length(aws_cloudwatch_query_definition.this) == 5
    error_message = "A saved query asks a log that is not there."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.worker[0].maximum_retry_attempts == 2 &&
      aws_sqs_queue.failed.message_retention_seconds == 1209600 && aws_sqs_queue.failed.sqs_managed_sse_enabled
    )
    error_message = "An event is tried three times and then lies encrypted in the failed queue for two weeks."
  }

  assert {
    condition     = { for notification in aws_budgets_budget.monthly[0].notification : notification.notification_type => notification.threshold } == { ACTUAL = 80, FORECASTED = 100 }
    error_message = "The budget writes when most is spent, and when all will be."
  }

  assert {
    condition = anytrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      startswith(widget.properties.title, "Estimated cost") && length(widget.properties.metrics) == 7
    ])
    error_message = "The dashboard tells what the day costs."
  }
}

run "data" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.metadata.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.metadata.ttl[0].attribute_name == "expires_at" &&
      aws_dynamodb_table.metadata.ttl[0].enabled && aws_dynamodb_table.metadata.point_in_time_recovery[0].enabled
    )
    error_message = "Metadata are paid by the request, forgotten in time and restorable."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this : one(one(rule.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"])
    error_message = "A bucket is not encrypted."
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_versioning.this)) == toset(["static", "deployment"])
    error_message = "Code and pages can be rolled back; of images no second copy is kept."
  }

  assert {
    condition = (
      aws_cognito_user_pool.people.password_policy[0].minimum_length == 12 && aws_cognito_user_pool.people.mfa_configuration == "OPTIONAL" &&
      aws_cognito_user_pool.people.software_token_mfa_configuration[0].enabled && aws_cognito_user_pool.people.username_attributes == toset(["email"]) &&
      aws_cognito_user_pool.people.auto_verified_attributes == toset(["email"]) && aws_cognito_user_group.staff.name == "staff"
    )
    error_message = "People log in by a verified address and a strong password, and may add a second factor."
  }

  assert {
    condition     = aws_cloudfront_function.viewer_request.publish && strcontains(aws_cloudfront_function.viewer_request.code, "x-forwarded-host")
    error_message = "The visitor's host must be handed on."
  }
}
