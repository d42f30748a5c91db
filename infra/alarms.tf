# docs/deploy.md has a section on each alarm, under the same name.

locals {
  by_function = {
    web    = { FunctionName = local.web_function }
    worker = { FunctionName = local.worker_function }
  }

  # statistic is one of CloudWatch's, or a percentile such as p95. An alarm goes off after `periods` times `period` seconds.
  alarms = {
    web-errors = {
      description = "The web function crashed or timed out."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = local.by_function.web
      statistic   = "Sum", threshold = 3, period = 300, periods = 1
    }
    web-server-errors = {
      description = "Pages answered with a server error."
      namespace   = var.project, metric = "WebServerError", dimensions = {}
      statistic   = "Sum", threshold = 5, period = 300, periods = 1
    }
    web-throttles = {
      description = "Requests were rejected because no web function was free."
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = local.by_function.web
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    web-slow = {
      description = "More than five pages in five minutes took over 10 seconds, not counting calls that wait for a conversion."
      namespace   = var.project, metric = "SlowPages", dimensions = { service = "web" }
      statistic   = "Sum", threshold = 5, period = 300, periods = 3
    }
    api-errors = {
      description = "API Gateway answered 5xx."
      namespace   = "AWS/ApiGateway", metric = "5XXError", dimensions = { ApiName = local.web_function, Stage = "production" }
      statistic   = "Sum", threshold = 5, period = 300, periods = 1
    }
    worker-errors = {
      description = "The worker crashed while handling events; each event is tried three times."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = local.by_function.worker
      statistic   = "Sum", threshold = 5, period = 300, periods = 1
    }
    worker-throttles = {
      description = "More uploads than workers for fifteen minutes: events are waiting."
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = local.by_function.worker
      statistic   = "Sum", threshold = 100, period = 300, periods = 3
    }
    worker-slow = {
      description = "One conversion in twenty comes close to the worker's timeout."
      namespace   = "AWS/Lambda", metric = "Duration", dimensions = local.by_function.worker
      statistic   = "p95", threshold = 800 * var.worker_timeout_seconds, period = 300, periods = 3
    }
    worker-timeout = {
      description = "The worker's timeout interrupted a conversion."
      namespace   = var.project, metric = "WorkerTimeout", dimensions = {}
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    worker-out-of-memory = {
      description = "A conversion was killed because it ran out of memory."
      namespace   = var.project, metric = "WorkerOutOfMemory", dimensions = {}
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    worker-misrouted = {
      description = "Zappa received an event that no function handles; the event is lost."
      namespace   = var.project, metric = "WorkerUnknownBucket", dimensions = {}
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    worker-bad-signature = {
      description = "An event function raised a TypeError, which Zappa hid."
      namespace   = var.project, metric = "WorkerBadSignature", dimensions = {}
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    events-old = {
      description = "An upload waited over 15 minutes for a worker."
      namespace   = "AWS/Lambda", metric = "AsyncEventAge", dimensions = local.by_function.worker
      statistic   = "Maximum", threshold = 900000, period = 300, periods = 1
    }
    events-dropped = {
      description = "Lambda dropped events after all retries or six hours."
      namespace   = "AWS/Lambda", metric = "AsyncEventsDropped", dimensions = local.by_function.worker
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    events-undelivered = {
      description = "A dropped event could not be sent to the failed queue either."
      namespace   = "AWS/Lambda", metric = "DestinationDeliveryFailures", dimensions = local.by_function.worker
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    events-loop = {
      description = "Lambda stopped a function that was invoking itself through S3."
      namespace   = "AWS/Lambda", metric = "RecursiveInvocationsDropped", dimensions = local.by_function.worker
      statistic   = "Sum", threshold = 0, period = 300, periods = 1
    }
    failed-queue = {
      description = "There are events in the failed queue."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = aws_sqs_queue.failed.name }
      statistic   = "Maximum", threshold = 0, period = 300, periods = 1
    }
    metadata-throttles = {
      description = "DynamoDB throttled requests."
      namespace   = "AWS/DynamoDB", metric = "WriteThrottleEvents", dimensions = { TableName = aws_dynamodb_table.metadata.name }
      statistic   = "Sum", threshold = 10, period = 300, periods = 1
    }
  }

  database_alarms = {
    database-full = {
      description = "Aurora has run at its maximum capacity for fifteen minutes."
      namespace   = "AWS/RDS", metric = "ACUUtilization", dimensions = { DBClusterIdentifier = var.project }
      statistic   = "Average", threshold = 95, period = 300, periods = 3
    }
    database-connections = {
      description = "The functions hold more than 600 connections; a cluster of 4 ACU accepts about 820."
      namespace   = "AWS/RDS", metric = "DatabaseConnections", dimensions = { DBClusterIdentifier = var.project }
      statistic   = "Maximum", threshold = 600, period = 300, periods = 1
    }
  }
}

locals {
  # With the two alarms below these are ten, which CloudWatch does not charge for.
  essential_alarms = [
    "web-errors", "web-server-errors", "api-errors", "worker-errors", "worker-timeout", "worker-out-of-memory",
    "worker-misrouted", "failed-queue",
  ]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = {
    for name, alarm in merge(local.alarms, local.in_network ? local.database_alarms : {}) :
    name => alarm if !var.small || contains(local.essential_alarms, name)
  }

  alarm_name          = "${var.project}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "conversions_failing" {
  alarm_name          = "${var.project}-conversions-failing"
  alarm_description   = "More than a fifth of the conversions in half an hour failed."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 20
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "share"
    expression  = "IF(FILL(failed, 0) + FILL(finished, 0) > 10, 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(finished, 0)), 0)"
    label       = "Failed, percent"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { failed = "Failed", finished = "Finished" }

    content {
      id = metric_query.key

      metric {
        namespace   = var.project
        metric_name = metric_query.value
        dimensions  = { service = "worker" }
        stat        = "Sum"
        period      = 1800
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "edge_errors" {
  provider = aws.us_east_1

  alarm_name          = "${var.project}-edge-errors"
  alarm_description   = "CloudFront answered more than 5 % of requests with a server error."
  namespace           = "AWS/CloudFront"
  metric_name         = "5xxErrorRate"
  dimensions          = { DistributionId = aws_cloudfront_distribution.site.id, Region = "Global" }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.edge_alarms.arn]
  ok_actions          = [aws_sns_topic.edge_alarms.arn]
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:Alarms contain only metrics, and CloudWatch cannot publish to a topic encrypted with the AWS managed key.
  name = "${var.project}-alarms"
}

resource "aws_sns_topic" "edge_alarms" {
  #checkov:skip=CKV_AWS_26:See the reason for the topic above.
  provider = aws.us_east_1

  name = "${var.project}-edge-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_sns_topic_subscription" "edge_alarms" {
  count    = var.alarm_email == null ? 0 : 1
  provider = aws.us_east_1

  topic_arn = aws_sns_topic.edge_alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
