data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# ARNs are built from fixed names, so that policies can be reviewed before any resource exists.
locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Zappa names a function slugify("<project>-<stage>").
  web_function    = "${var.project}-production"
  worker_function = "${var.project}-production-worker"
  function_arns = {
    web    = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${local.web_function}"
    worker = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${local.worker_function}"
  }

  bucket_names = {
    for use in ["uploads", "results", "static", "logs", "deployment"] : use => "${var.project}-${use}-${local.account}"
  }
  bucket_arns = { for use, name in local.bucket_names : use => "arn:${local.partition}:s3:::${name}" }

  secrets_paths = {
    web    = "/${var.project}/production"
    worker = "/${var.project}/production_worker"
  }

  in_network         = var.database_mode == "aurora"
  connection_seconds = 60 # how long a function keeps a connection to the cluster
  site_domain        = coalesce(var.domain_name, aws_cloudfront_distribution.site.domain_name)
  signed_links       = length(var.cloudfront_public_keys) > 0
  sweep_schedule     = coalesce(var.sweep_schedule, local.in_network && !var.outbound_internet ? "rate(1 hour)" : "rate(1 minute)")

  tags = { project = var.project }
}
