# Checks each switch on its own against the defaults.

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
  secrets = {
    web_secret_keys   = "web"
    worker_secret_key = "worker"
    origin_secrets    = "first"
    database_password = "password"
    database_url      = "postgres://somewhere"
  }
}

run "pages_of_other_sites" {
  command = plan

  variables {
    cors_origins = ["https://app.example.org", "https://shop.example.org"]
  }

  assert {
    condition = (
      one(aws_s3_bucket_cors_configuration.uploads[0].cors_rule).allowed_origins == toset(var.cors_origins) &&
      one(aws_cloudfront_response_headers_policy.images.cors_config[0].access_control_allow_origins).items == toset(var.cors_origins)
    )
    error_message = "Bucket and CloudFront must allow the same origins."
  }
}

run "a_page_is_no_origin" {
  command         = plan
  expect_failures = [var.cors_origins]

  variables {
    cors_origins = ["https://app.example.org/page"]
  }
}

run "defaults" {
  command = plan

  assert {
    condition = (
      length(aws_rds_cluster.this) == 1 && length(aws_vpc.this) == 1 && length(aws_nat_gateway.this) == 0 && length(aws_internet_gateway.this) == 0
    )
    error_message = "Aurora is in a network without outbound access."
  }

  assert {
    condition     = aws_rds_cluster.this[0].serverlessv2_scaling_configuration[0].min_capacity == 0 && aws_rds_cluster.this[0].storage_encrypted && aws_rds_cluster.this[0].deletion_protection
    error_message = "Aurora scales to zero, and is encrypted and protected."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ssm", "cognito-idp", "lambda"]) && toset(keys(aws_vpc_endpoint.gateway)) == toset(["s3", "dynamodb"])
    error_message = "The services that the functions call must be reachable from the private network."
  }

  assert {
    condition     = length(aws_wafv2_web_acl.site) == 0 && length(aws_acm_certificate.site) == 0 && length(aws_route53_record.site) == 0 && length(aws_cloudfront_key_group.links) == 0
    error_message = "Options that cost money or need a domain are off."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.site.aliases) == 0 && aws_cloudfront_distribution.site.viewer_certificate[0].cloudfront_default_certificate
    error_message = "Without a domain the site has CloudFront's name and certificate."
  }

  assert {
    condition     = !anytrue([for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior : behaviour.path_pattern == "/results/*"])
    error_message = "Without a key results must not be public."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.alarms) == 0 && length(aws_budgets_budget.monthly) == 0
    error_message = "Without an address there are no mails."
  }
}

run "external_database" {
  command = plan

  variables {
    database_mode = "external"
  }

  assert {
    condition = (
      length(aws_rds_cluster.this) + length(aws_vpc.this) + length(aws_subnet.private) + length(aws_vpc_endpoint.interface) +
      length(aws_vpc_endpoint.gateway) + length(aws_security_group.functions) + length(aws_cloudwatch_log_group.database) == 0
    )
    error_message = "An external database needs no private network."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "database-full")
    error_message = "There is no Aurora to monitor."
  }
}

run "way_out" {
  command = plan

  variables {
    outbound_internet = true
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.private_out) == 1
    error_message = "The private subnets need a route through the NAT gateway."
  }
}

run "domain" {
  command = plan

  variables {
    domain_name = "images.example.com"
    zone_name   = "example.com"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.aliases == toset(["images.example.com"]) && aws_cloudfront_distribution.site.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021"
    error_message = "The custom domain requires TLS 1.2 or later."
  }

  assert {
    condition     = toset(keys(aws_route53_record.site)) == toset(["images.example.com A", "images.example.com AAAA"])
    error_message = "There is one alias for IPv4 and one for IPv6."
  }

  assert {
    condition     = output.site_url == "https://images.example.com"
    error_message = "The site's URL has the custom domain."
  }
}

run "root_domain" {
  command = plan

  variables {
    domain_name          = "images.example.com"
    zone_name            = "example.com"
    redirect_root_domain = true
  }

  assert {
    condition     = aws_cloudfront_distribution.site.aliases == toset(["images.example.com", "example.com"]) && length(aws_route53_record.site) == 4
    error_message = "The root domain points to CloudFront too."
  }

  assert {
    condition     = strcontains(aws_cloudfront_function.viewer_request.code, "host === 'example.com'") && strcontains(aws_cloudfront_function.viewer_request.code, "https://images.example.com")
    error_message = "The root domain redirects to the site."
  }
}

run "domain_without_zone" {
  command = plan

  variables {
    domain_name = "images.example.com"
  }

  expect_failures = [var.zone_name]
}

run "firewall" {
  command = plan

  variables {
    firewall = true
  }

  assert {
    condition     = length(aws_wafv2_web_acl.site) == 1 && toset([for rule in aws_wafv2_web_acl.site[0].rule : rule.name]) == toset(["rate", "bad-addresses"])
    error_message = "The firewall has a rate limit and a reputation list."
  }
}

run "signed_links" {
  command = plan

  variables {
    cloudfront_public_keys = ["-----BEGIN PUBLIC KEY-----"]
    secrets = {
      web_secret_keys        = "web"
      worker_secret_key      = "worker"
      origin_secrets         = "first"
      database_password      = "password"
      cloudfront_private_key = "-----BEGIN PRIVATE KEY-----"
    }
  }

  assert {
    condition     = anytrue([for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior : behaviour.path_pattern == "/results/*"])
    error_message = "With a key CloudFront serves the results."
  }

  assert {
    condition     = toset([for name in keys(aws_ssm_parameter.secret) : name if strcontains(name, "CLOUDFRONT")]) == toset(["web/CLOUDFRONT_PRIVATE_KEY", "web/CLOUDFRONT_KEY_ID"])
    error_message = "The web function signs links; the worker cannot."
  }
}

run "labels" {
  command = plan

  variables {
    labels = true
  }

  assert {
    condition     = contains(keys(aws_vpc_endpoint.interface), "rekognition") && anytrue([for statement in local.worker_statements : statement.Sid == "LabelImages"])
    error_message = "The worker needs the permission for Rekognition and an endpoint."
  }

  assert {
    condition     = !anytrue([for statement in local.web_statements : statement.Sid == "LabelImages"])
    error_message = "The web function must not have access to Rekognition."
  }
}

run "advanced_security" {
  command = plan

  variables {
    advanced_security = true
  }

  assert {
    condition     = aws_cognito_user_pool.people.user_pool_add_ons[0].advanced_security_mode == "ENFORCED" && aws_cognito_user_pool.people.user_pool_tier == "PLUS"
    error_message = "Threat protection requires the Plus tier."
  }
}

run "mail" {
  command = plan

  variables {
    alarm_email = "someone@example.com"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.alarms) == 1 && length(aws_sns_topic_subscription.edge_alarms) == 1 && length(aws_budgets_budget.monthly) == 1
    error_message = "Alarms of both regions and the budget send mail to the address."
  }
}

run "github" {
  command = plan

  variables {
    github_repository = "example/imagesite"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 1
    error_message = "GitHub is a provider of the account."
  }
}

run "github_is_known_already" {
  command = plan

  variables {
    github_repository   = "example/imagesite"
    github_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition = length(aws_iam_openid_connect_provider.github) == 0 && anytrue([
      for statement in local.deployer_trust : try(statement.Principal.Federated, "") == var.github_provider_arn
    ])
    error_message = "An account can have one provider for GitHub; a second site uses the existing one."
  }
}

run "identity_center" {
  command = plan

  variables {
    deployer_needs_mfa = false
  }

  assert {
    condition     = alltrue([for statement in local.deployer_trust : !can(statement.Condition)])
    error_message = "Sessions of IAM Identity Center do not record a second factor."
  }
}

run "mail_by_ses" {
  command = plan

  variables {
    zone_name = "example.com"
    mail_from = "images@mail.example.com"
  }

  assert {
    condition = (
      aws_cognito_user_pool.people.email_configuration[0].email_sending_account == "DEVELOPER" &&
      aws_cognito_user_pool.people.email_configuration[0].from_email_address == "images@mail.example.com" &&
      aws_ses_domain_identity.mail[0].domain == "mail.example.com" &&
      aws_route53_record.mail_proof[0].name == "_amazonses.mail.example.com" && length(aws_route53_record.mail_signature) == 3
    )
    error_message = "The pool sends mail through SES from a domain verified in the zone."
  }
}

run "mail_by_an_identity_that_is_there" {
  command = plan

  variables {
    mail_from         = "images@elsewhere.org"
    mail_identity_arn = "arn:aws:ses:eu-west-1:123456789012:identity/elsewhere.org"
  }

  assert {
    condition     = aws_cognito_user_pool.people.email_configuration[0].source_arn == var.mail_identity_arn && length(aws_ses_domain_identity.mail) == 0
    error_message = "A verified identity is used without new DNS records."
  }
}

run "mail_from_a_foreign_domain" {
  command = plan

  variables {
    zone_name = "example.com"
    mail_from = "images@notexample.com"
  }

  expect_failures = [var.mail_from]
}

run "two_keys_each" {
  command = plan

  variables {
    origin_secrets         = ["old", "new"]
    cloudfront_public_keys = ["old key", "new key"]
    secrets = {
      web_secret_keys        = "old,new"
      worker_secret_key      = "worker"
      origin_secrets         = "old,new"
      database_password      = "password"
      cloudfront_private_key = "the old one's"
    }
  }

  assert {
    condition     = length(aws_cloudfront_public_key.links) == 2 && length(aws_api_gateway_api_key.edge) == 2
    error_message = "During a rotation both keys are valid."
  }
}

run "clock" {
  command = plan

  assert {
    condition     = local.sweep_schedule == "rate(1 hour)"
    error_message = "A paused cluster without outbound access is woken once an hour."
  }
}

run "clock_where_webhooks_leave" {
  command = plan

  variables {
    outbound_internet = true
  }

  assert {
    condition     = local.sweep_schedule == "rate(1 minute)"
    error_message = "Webhooks are retried after 1, 5 and 30 minutes: the clock must run every minute."
  }
}

run "high_availability" {
  command = plan

  variables {
    high_availability = true
  }

  assert {
    condition     = [for instance in aws_rds_cluster_instance.this : instance.identifier] == ["imagesite", "imagesite-2"]
    error_message = "A second instance must take over if the zone of the first fails."
  }
}

run "small" {
  command = plan

  variables {
    small         = true
    database_mode = "external"
    alarm_email   = "someone@example.com"
    budget_by_tag = true
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 8 && length(aws_vpc_endpoint.interface) == 0
    error_message = "There are ten alarms, including the two fixed ones, and nothing is charged by the hour."
  }

  assert {
    condition     = one(aws_budgets_budget.monthly[0].cost_filter).values == tolist(["user:project$imagesite"])
    error_message = "The budget counts only this project."
  }
}

run "small_with_aurora" {
  command = plan

  variables {
    small = true
  }

  expect_failures = [var.small]
}

run "longest_project_name" {
  command = plan

  variables {
    project = "imagesite-eu-one"
  }

  # Zappa hashes names of 64 characters or more, and the deployer could not create such a rule.
  assert {
    condition     = length("${local.worker_function}-converter.events.clock.sweep") == 63
    error_message = "The clock's rule must keep the name that the deployer may use."
  }
}

run "project_name_that_is_too_long" {
  command = plan

  variables {
    project = "imagesite-eu-west"
  }

  expect_failures = [var.project]
}

run "data_loss_allowed" {
  command = plan

  variables {
    allow_data_loss = true
  }

  assert {
    condition = (
      alltrue([for bucket in aws_s3_bucket.this : bucket.force_destroy]) && aws_cognito_user_pool.people.deletion_protection == "INACTIVE" &&
      !aws_rds_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].skip_final_snapshot && !aws_dynamodb_table.metadata.deletion_protection_enabled
    )
    error_message = "Deletion protection is still on for a resource."
  }

  # docs.aws.amazon.com/amazondynamodb/latest/developerguide/pointintimerecovery_beforeyoubegin.html
  assert {
    condition     = !aws_dynamodb_table.metadata.point_in_time_recovery[0].enabled && !aws_dynamodb_table.configuration.point_in_time_recovery[0].enabled
    error_message = "DynamoDB would keep a backup of the deleted table."
  }
}

run "unknown_database_mode" {
  command = plan

  variables {
    database_mode = "mysql"
  }

  expect_failures = [var.database_mode]
}

run "unusable_project_name" {
  command = plan

  variables {
    project = "My.Site"
  }

  expect_failures = [var.project]
}

run "external_database_without_url" {
  command = plan

  variables {
    database_mode = "external"
    secrets = {
      web_secret_keys   = "web"
      worker_secret_key = "worker"
      origin_secrets    = "first"
      database_password = "password"
    }
  }

  expect_failures = [var.secrets]
}

run "long_retention" {
  command = plan

  variables {
    retention_hours     = 48
    max_retention_hours = 720
  }

  assert {
    condition     = alltrue([for use in ["uploads", "results"] : aws_s3_bucket_lifecycle_configuration.this[use].rule[0].expiration[0].days == 31])
    error_message = "The buckets delete images that a user may still keep."
  }

  assert {
    condition     = local.environment.MAX_RETENTION_HOURS == "720"
    error_message = "The site must know the maximum retention that the buckets allow."
  }
}

run "retention_beyond_what_may_be_chosen" {
  command = plan

  variables {
    retention_hours = 200
  }

  expect_failures = [var.max_retention_hours]
}

run "an_account_is_needed" {
  command = plan

  variables {
    sign_up         = "closed"
    retention_hours = 12
  }

  assert {
    condition     = [local.environment.SIGN_UP, local.environment.GUESTS, local.environment.GUEST_RETENTION_HOURS] == ["closed", "false", "12"]
    error_message = "Guests are allowed although nobody can sign up, or are kept longer than users."
  }

  assert {
    condition     = aws_cognito_user_pool.people.admin_create_user_config[0].allow_admin_create_user_only
    error_message = "Where nobody may sign up, the user pool's own API still lets everybody."
  }
}

run "guests_although_nobody_signs_up" {
  command = plan

  variables {
    sign_up            = "closed"
    guests             = true
    guest_jobs_an_hour = 5
    guest_bytes_kept   = 100000000000
  }

  assert {
    condition     = [local.environment.GUESTS, local.environment.GUEST_JOBS_AN_HOUR, local.environment.GUEST_BYTES_KEPT] == ["true", "5", "100000000000"]
    error_message = "The settings for guests do not reach the functions."
  }
}

run "invitations" {
  command = plan

  variables {
    sign_up = "invitation"
  }

  expect_failures = [var.sign_up]
}

run "reserved_project_name" {
  command = plan

  variables {
    project = "sg-images"
  }

  expect_failures = [var.project]
}

run "a_domain_beside_the_zone" {
  command = plan

  variables {
    domain_name = "myexample.com"
    zone_name   = "example.com"
  }

  expect_failures = [var.zone_name]
}

run "a_schedule_that_eventbridge_refuses" {
  command = plan

  variables {
    sweep_schedule = "rate(1 minutes)"
  }

  expect_failures = [var.sweep_schedule]
}

run "a_schedule_of_ones_own" {
  command = plan

  variables {
    sweep_schedule = "cron(0 * * * ? *)"
  }
}

run "a_zone_without_an_endpoint" {
  command = plan

  override_data {
    target = data.aws_vpc_endpoint_service.interface
    values = { availability_zones = ["eu-west-1b", "eu-west-1c"] }
  }

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["eu-west-1b", "eu-west-1c"]
    error_message = "AWS would reject an endpoint in the first zone."
  }
}

run "a_zone_without_serverless_databases" {
  command = plan

  variables {
    region = "us-east-1"
  }

  # In a third of all accounts, one of the first two letters is this zone.
  assert {
    condition     = contains(data.aws_availability_zones.available.exclude_zone_ids, "use1-az3")
    error_message = "Aurora would reject a subnet group with this zone, and Lambda the subnet."
  }
}

run "mail_from_a_younger_region" {
  command = plan

  variables {
    region    = "eu-south-1"
    zone_name = "example.com"
    mail_from = "images@example.com"
  }

  assert {
    condition     = local.dkim_domain == "dkim.eu-south-1.amazonses.com"
    error_message = "SES publishes the DKIM keys of this region elsewhere."
  }
}
