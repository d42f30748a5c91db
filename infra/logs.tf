# Created before Zappa's functions write to them: groups that Lambda creates keep their logs forever.

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own key: logs contain request and job ids, but no images or secrets.
  #checkov:skip=CKV_AWS_338:A year of logs is a cost and a risk; a variable sets the number of days.
  for_each = { web = local.web_function, worker = local.worker_function }

  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "database" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own key, as above.
  #checkov:skip=CKV_AWS_338:A variable sets the days, as above.
  count = local.network

  name              = "/aws/rds/cluster/${var.project}/postgresql"
  retention_in_days = var.log_retention_days
}

# Events that the code cannot count itself, because it was killed or never called.
locals {
  log_events = {
    WorkerTimeout       = { function = "worker", pattern = "\"Task timed out\"" }
    WorkerOutOfMemory   = { function = "worker", pattern = "?\"Runtime.OutOfMemory\" ?\"signal: killed\"" }
    WorkerUnknownBucket = { function = "worker", pattern = "\"Cannot find a function to process\"" }
    WorkerBadSignature  = { function = "worker", pattern = "\"Function signature is invalid\"" }
    WebServerError      = { function = "web", pattern = "?\"Internal Server Error\" ?\"Traceback\"" }
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.log_events

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.function[each.value.function].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace = var.project
    name      = each.key
    value     = "1"
    unit      = "Count"
  }
}

# --- CloudFront's access log, delivered to the logs bucket ---

resource "aws_cloudwatch_log_delivery_source" "cloudfront" {
  provider = aws.us_east_1

  name         = var.project
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.site.arn
}

resource "aws_cloudwatch_log_delivery_destination" "logs_bucket" {
  provider = aws.us_east_1

  name          = var.project
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = "${local.bucket_arns.logs}/cloudfront"
  }

  depends_on = [aws_s3_bucket_policy.this]
}

resource "aws_cloudwatch_log_delivery" "cloudfront" {
  provider = aws.us_east_1

  delivery_source_name     = aws_cloudwatch_log_delivery_source.cloudfront.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.logs_bucket.arn
}

# --- Saved queries ---

resource "aws_cloudwatch_query_definition" "this" {
  for_each = {
    "errors" = {
      groups = ["web", "worker"]
      query  = "fields @timestamp, @log, level, message, job, code\n| filter level in [\"ERROR\", \"CRITICAL\"] or @message like /Traceback|Task timed out/\n| sort @timestamp desc\n| limit 100"
    }
    "one job" = {
      groups = ["web", "worker"]
      query  = "fields @timestamp, @log, message\n| filter @message like /PUT-THE-JOB-ID-HERE/\n| sort @timestamp asc"
    }
    "slowest conversions" = {
      groups = ["worker"]
      query  = "filter @type = \"REPORT\"\n| fields @requestId, @duration, @maxMemoryUsed / 1048576 as megabytes\n| sort @duration desc\n| limit 50"
    }
    "cold starts" = {
      groups = ["web", "worker"]
      query  = "filter @type = \"REPORT\" and ispresent(@initDuration)\n| stats count() as starts, avg(@initDuration), pct(@initDuration, 95) by @log, bin(1h)"
    }
    "failures by code" = {
      groups = ["worker"]
      query  = "filter ispresent(code)\n| stats count() as failures by code\n| sort failures desc"
    }
  }

  name            = "${var.project}/${each.key}"
  log_group_names = [for function in each.value.groups : aws_cloudwatch_log_group.function[function].name]
  query_string    = each.value.query
}
