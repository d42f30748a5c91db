output "zappa_settings" {
  description = "The rendered zappa_settings.json for this account."
  value       = local.zappa_settings
}

output "site_url" {
  description = "URL of the site."
  value       = "https://${local.site_domain}"
}

output "dashboard_url" {
  description = "URL of the CloudWatch dashboard."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards:name=${var.project}"
}

output "deployed" {
  description = "Whether CloudFront gets pages from Zappa's API; false until the apply after `zappa deploy`."
  value       = local.web_deployed && local.worker_deployed
}

output "static_bucket" {
  description = "Bucket for collectstatic, under static/."
  value       = local.bucket_names.static
}

output "user_pool_id" {
  description = "Cognito user pool. Users in its group `staff` can use the admin."
  value       = aws_cognito_user_pool.people.id
}

output "deployer_role" {
  description = "Role for users and pipelines that deploy code."
  value       = aws_iam_role.deployer.arn
}

output "failed_queue_url" {
  description = "Queue of the events that failed in the worker."
  value       = aws_sqs_queue.failed.url
}
