locals {
  # US dollars, first tier, eu-west-1; the same prices as in docs/deploy.md.
  prices = {
    lambda_request   = 0.0000002
    lambda_gb_second = 0.0000166667
    api_request      = 0.0000035
    cloudfront_byte  = 0.000000000085
  }

  # Memory of the functions in GB, as in zappa_settings.json.tftpl.
  web_gb    = 1024 / 1024
  worker_gb = 3008 / 1024

  cost_expression = join(" + ", [
    "(wi + ki) * ${format("%.10f", local.prices.lambda_request)}",
    "wd / 1000 * ${local.web_gb} * ${format("%.10f", local.prices.lambda_gb_second)}",
    "kd / 1000 * ${local.worker_gb} * ${format("%.10f", local.prices.lambda_gb_second)}",
    "api * ${format("%.10f", local.prices.api_request)}",
    "bytes * ${format("%.14f", local.prices.cloudfront_byte)}",
  ])

  cost_metrics = {
    wi    = ["AWS/Lambda", "Invocations", "FunctionName", local.web_function]
    wd    = ["AWS/Lambda", "Duration", "FunctionName", local.web_function]
    ki    = ["AWS/Lambda", "Invocations", "FunctionName", local.worker_function]
    kd    = ["AWS/Lambda", "Duration", "FunctionName", local.worker_function]
    api   = ["AWS/ApiGateway", "Count", "ApiName", local.web_function, "Stage", "production"]
    bytes = ["AWS/CloudFront", "BytesDownloaded", "DistributionId", aws_cloudfront_distribution.site.id, "Region", "Global"]
  }

  widgets = [
    {
      title = "Conversions"
      metrics = concat(
        [[var.project, "Submitted", "service", "web"]],
        [for name in ["Finished", "Failed", "Duplicates"] : [var.project, name, "service", "worker"]],
      )
      stat = "Sum"
    },
    {
      title = "Durations (ms, p95)"
      metrics = [
        ["AWS/Lambda", "Duration", "FunctionName", local.web_function],
        ["AWS/Lambda", "Duration", "FunctionName", local.worker_function],
      ]
      stat = "p95"
    },
    {
      title = "Concurrent functions"
      metrics = [
        ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.web_function],
        ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.worker_function],
      ]
      stat = "Maximum"
    },
    {
      title = "Waiting and lost"
      metrics = [
        ["AWS/Lambda", "AsyncEventAge", "FunctionName", local.worker_function],
        ["AWS/Lambda", "AsyncEventsDropped", "FunctionName", local.worker_function],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.failed.name],
      ]
      stat = "Maximum"
    },
    {
      title = "Errors"
      metrics = [
        ["AWS/Lambda", "Errors", "FunctionName", local.web_function],
        ["AWS/Lambda", "Errors", "FunctionName", local.worker_function],
        ["AWS/ApiGateway", "5XXError", "ApiName", local.web_function, "Stage", "production"],
        [var.project, "WebServerError"],
      ]
      stat = "Sum"
    },
    {
      title = "Database (ACU, connections)"
      metrics = [
        ["AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", var.project],
        ["AWS/RDS", "DatabaseConnections", "DBClusterIdentifier", var.project],
      ]
      stat = "Maximum"
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.project

  dashboard_body = jsonencode({
    widgets = concat(
      [for index, widget in local.widgets : {
        type   = "metric"
        width  = 8
        height = 6
        x      = 8 * (index % 3)
        y      = 6 * floor(index / 3)
        properties = {
          title   = widget.title
          region  = var.region
          stat    = widget.stat
          period  = 300
          view    = "timeSeries"
          metrics = widget.metrics
        }
      }],
      [{
        type   = "metric"
        width  = 24
        height = 6
        x      = 0
        y      = 12
        properties = {
          title  = "Estimated cost of requests, conversions and traffic (USD a day, without storage and database)"
          region = var.region
          stat   = "Sum"
          period = 86400
          view   = "timeSeries"
          metrics = concat(
            [[{ expression = local.cost_expression, label = "USD", id = "cost" }]],
            [for id, metric in local.cost_metrics : concat(metric, [{ id = id, visible = false, region = id == "bytes" ? "us-east-1" : var.region }])],
          )
        }
      }],
    )
  })
}
