output "zappa_settings" {
  description = "zappa_settings.json for this account, rendered."
  value       = local.zappa_settings
}

output "site_url" {
  description = "Where the site is."
  value       = "https://${local.site_domain}"
}

output "dashboard_url" {
  description = "The CloudWatch dashboard."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards:name=${var.project}"
}

output "deployed" {
  description = "Whether the distribution sends pages to Zappa's API; false until the apply after `zappa deploy`."
  value       = local.web_deployed && local.worker_deployed
}

output "static_bucket" {
  description = "Where collectstatic puts its files, under static/."
  value       = local.bucket_names.static
}

output "user_pool_id" {
  description = "Cognito user pool; put a person into its group `staff` to let them into the admin."
  value       = aws_cognito_user_pool.people.id
}

output "deployer_role" {
  description = "Role for people and pipelines that deploy code."
  value       = aws_iam_role.deployer.arn
}

output "failed_queue_url" {
  description = "Where events lie that the worker gave up on."
  value       = aws_sqs_queue.failed.url
}
