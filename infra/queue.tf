# Events that failed three times in the worker, each with its error.

resource "aws_sqs_queue" "failed" {
  name                      = "${local.worker_function}-failed"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_function_event_invoke_config" "worker" {
  count = local.worker_deployed ? 1 : 0

  function_name                = local.worker_function
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed.arn
    }
  }

  depends_on = [aws_iam_role_policy.worker]
}
