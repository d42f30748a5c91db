# Every policy, decoded, with every switch enabled that adds a statement.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  origin_secrets         = ["first"]
  secrets_version        = 1
  labels                 = true
  tracing                = true
  cloudfront_public_keys = ["-----BEGIN PUBLIC KEY-----"]
  github_repository      = "example/imagesite"
  secrets = {
    web_secret_keys        = "web"
    worker_secret_key      = "worker"
    origin_secrets         = "first"
    database_password      = "password"
    cloudfront_private_key = "-----BEGIN PRIVATE KEY-----"
  }
}

run "roles" {
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy, aws_iam_role_policy.deployer.policy] : [
        for statement in jsondecode(policy).Statement : [
          for action in flatten([statement.Action]) : !strcontains(action, "*")
        ]
      ]
    ]))
    error_message = "An action with * is granted."
  }

  assert {
    condition = toset(flatten([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy, aws_iam_role_policy.deployer.policy] : [
        for statement in jsondecode(policy).Statement : statement.Sid if contains(flatten([statement.Resource]), "*")
      ]
    ])) == toset(["JoinNetwork", "LabelImages", "Trace", "CallsWithoutResource", "LookAtNetwork"])
    error_message = "The resource * stands in another statement than the listed ones, whose calls know no resource."
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy, aws_iam_role_policy.deployer.policy] : [
        for statement in jsondecode(policy).Statement : [
          for resource in flatten([statement.Resource]) :
          resource == "*" || endswith(resource, ":alarm:*") || strcontains(resource, "imagesite") || strcontains(resource, "log-group:mock") || strcontains(resource, "apigateway:eu-west-1::/restapis") || strcontains(resource, "apigateway:eu-west-1::/apikeys") || strcontains(resource, "::/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2F")
        ]
      ]
    ]))
    error_message = "A statement reaches beyond this project's own resources."
  }

  assert {
    condition = !anytrue(flatten([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy] : [
        for statement in jsondecode(policy).Statement : [for action in flatten([statement.Action]) : action == "logs:CreateLogGroup"]
      ]
    ]))
    error_message = "A function could make a log group that is kept for ever."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy] : anytrue([
        for statement in jsondecode(policy).Statement : try(toset(statement.Action), toset([])) == toset(["xray:PutTraceSegments", "xray:PutTelemetryRecords"])
      ])
    ])
    error_message = "Lambda does not trace a function whose role may not send traces."
  }

  assert {
    condition = length([
      for statement in jsondecode(aws_iam_role_policy.web.policy).Statement : statement
      if contains(flatten([statement.Action]), "s3:GetObject") && anytrue([for resource in flatten([statement.Resource]) : strcontains(resource, "-uploads-")])
    ]) == 0
    error_message = "The web function can read originals."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.web.policy).Statement : statement.Condition.StringEquals["s3:prefix"]
      if contains(flatten([statement.Action]), "s3:ListBucket") && anytrue([for resource in flatten([statement.Resource]) : strcontains(resource, "-uploads-")])
    ] == ["uploads/healthz"]
    error_message = "The web function can list originals."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.worker.policy).Statement : [
        for resource in flatten([statement.Resource]) :
        !strcontains(resource, ":parameter") || endswith(resource, ":parameter/imagesite/production_worker")
      ]
    ]))
    error_message = "The worker can read secrets that are not its own."
  }

  assert {
    condition = toset([for parameter in aws_ssm_parameter.secret : parameter.name if startswith(parameter.name, "/imagesite/production_worker/")]) == toset([
      "/imagesite/production_worker/SECRET_KEY",
      "/imagesite/production_worker/DATABASE_URL",
    ])
    error_message = "The worker is given more than its own key and the database."
  }

  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.secret : parameter.type == "SecureString" && parameter.value_wo_version == 1])
    error_message = "A secret would be in the state."
  }

  assert {
    condition = (
      [for statement in jsondecode(aws_iam_role.web.assume_role_policy).Statement : statement.Principal.Service] == [["lambda.amazonaws.com", "apigateway.amazonaws.com"]] &&
      [for statement in jsondecode(aws_iam_role.worker.assume_role_policy).Statement : statement.Principal.Service] == [["lambda.amazonaws.com", "events.amazonaws.com"]]
    )
    error_message = "A function's role is for Lambda, and for the one service that Zappa hands it to."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.deployer.policy).Statement : toset(statement.Condition.StringEquals["iam:PassedToService"])
      if contains(flatten([statement.Action]), "iam:PassRole")
    ] == [toset(["lambda.amazonaws.com", "apigateway.amazonaws.com", "events.amazonaws.com"])]
    error_message = "The deployer hands the roles to the services that take them on, and to no other."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role_policy.web.policy).Statement :
      contains(flatten([statement.Action]), "lambda:InvokeFunction") && contains(flatten([statement.Resource]), local.function_arns.web)
    ])
    error_message = "API Gateway calls the pages with the web role, which must be allowed to."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role.deployer.assume_role_policy).Statement :
      statement.Action == "sts:AssumeRoleWithWebIdentity" &&
      try(statement.Condition.StringEquals["token.actions.githubusercontent.com:sub"], "") == "repo:example/imagesite:ref:refs/heads/main"
    ])
    error_message = "GitHub may deploy from the named repository's main branch, and from nowhere else."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role.deployer.assume_role_policy).Statement :
      statement.Action == "sts:AssumeRoleWithWebIdentity" || try(statement.Condition.Bool["aws:MultiFactorAuthPresent"], "") == "true"
    ])
    error_message = "People deploy with a second factor only."
  }
}

run "buckets" {
  assert {
    condition     = toset(keys(aws_s3_bucket_policy.this)) == toset(keys(aws_s3_bucket.this)) && length(aws_s3_bucket.this) == 5
    error_message = "A bucket has no policy."
  }

  assert {
    condition = alltrue([
      for use, bucket in aws_s3_bucket.this :
      aws_s3_bucket_public_access_block.this[use].block_public_acls &&
      aws_s3_bucket_public_access_block.this[use].block_public_policy &&
      aws_s3_bucket_public_access_block.this[use].ignore_public_acls &&
      aws_s3_bucket_public_access_block.this[use].restrict_public_buckets &&
      aws_s3_bucket_ownership_controls.this[use].rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "A bucket can be made public."
  }

  assert {
    condition = alltrue([
      for policy in aws_s3_bucket_policy.this : anytrue([
        for statement in jsondecode(policy.policy).Statement :
        statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false" && length(statement.Resource) == 2
      ])
    ])
    error_message = "A bucket answers without TLS."
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_s3_bucket_policy.this : [
        for statement in jsondecode(policy.policy).Statement :
        statement.Effect == "Deny" || (can(statement.Principal.Service) && can(statement.Condition.StringEquals) && !strcontains(statement.Action, "*"))
      ]
    ]))
    error_message = "A bucket lets in somebody else than a named AWS service on this account's behalf."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : bucket.force_destroy == false])
    error_message = "A destroy would take images along unasked."
  }

  assert {
    condition = alltrue([
      for use in ["uploads", "results"] :
      aws_s3_bucket_lifecycle_configuration.this[use].rule[0].expiration[0].days == 8
    ])
    error_message = "The buckets delete before the longest retention, or images outlive it."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this["deployment"].rule : [rule.filter[0].prefix, tostring(rule.expiration[0].days), tostring(rule.noncurrent_version_expiration[0].noncurrent_days)]
      if rule.id == "forget-backups"
    ] == [["backup/", "1", "1"]]
    error_message = "A copy of the database that a backup left behind stays in the bucket."
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.uploads) == 0 && length(aws_cloudfront_response_headers_policy.images.cors_config) == 0
    error_message = "Pages of another site may send files or read results."
  }
}

run "edge" {
  assert {
    condition     = aws_cloudfront_distribution.site.http_version == "http2and3" && aws_cloudfront_distribution.site.is_ipv6_enabled
    error_message = "HTTP/3 and IPv6."
  }

  assert {
    condition = alltrue([
      for behaviour in concat(aws_cloudfront_distribution.site.default_cache_behavior, aws_cloudfront_distribution.site.ordered_cache_behavior) :
      contains(["redirect-to-https", "https-only"], behaviour.viewer_protocol_policy) && behaviour.response_headers_policy_id != null
    ])
    error_message = "Every path needs TLS and security headers."
  }

  assert {
    condition = anytrue([
      for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior :
      behaviour.path_pattern == "/results/*" && length(coalesce(behaviour.trusted_key_groups, [])) == 1
    ])
    error_message = "Results must ask for a signed link."
  }

  assert {
    condition = alltrue([
      for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior :
      length(coalesce(behaviour.trusted_key_groups, [])) == 1 if contains(["results", "originals"], behaviour.target_origin_id)
    ])
    error_message = "An original or a result can be read without a signed link."
  }

  assert {
    condition = alltrue([
      for origin in aws_cloudfront_distribution.site.origin :
      origin.origin_id == "api" || (origin.origin_id == "uploads") == (try(length(origin.origin_access_control_id), 0) == 0)
    ])
    error_message = "A bucket is asked without a signature, or signed forms with a second one."
  }

  assert {
    condition = one([
      for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior :
      [for association in behaviour.function_association : association.function_arn]
      if behaviour.path_pattern == "/uploads" && behaviour.target_origin_id == "uploads"
    ]) == [aws_cloudfront_function.uploads_request.arn]
    error_message = "Forms must reach the root of the bucket."
  }
}

run "errors_at_the_edge" {
  assert {
    condition = (
      alltrue([for answer in aws_cloudfront_distribution.site.custom_error_response : answer.error_caching_min_ttl == 0]) &&
      length(setsubtract([404, 500, 502, 503, 504], [for answer in aws_cloudfront_distribution.site.custom_error_response : answer.error_code])) == 0
    )
    error_message = "One visitor's error would be shown to everybody for ten seconds."
  }
}

run "identity" {
  assert {
    condition     = aws_cognito_user_pool_client.site.generate_secret == false && aws_cognito_user_pool_client.site.explicit_auth_flows == toset(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    error_message = "SRP, and no flow in which a password travels."
  }

  assert {
    condition     = aws_cognito_user_pool_client.site.prevent_user_existence_errors == "ENABLED"
    error_message = "The pool tells who has an account."
  }

  assert {
    condition     = aws_cognito_user_pool.people.deletion_protection == "ACTIVE"
    error_message = "A destroy would take the people along unasked."
  }
}

run "forms_come_through_cloudfront_only" {
  command = plan

  variables {
    origin_secrets = ["first", "second"]
  }

  assert {
    condition = nonsensitive(local.forms_through_cloudfront.Condition) == {
      StringEquals    = { "s3:authType" = "POST" }
      StringNotEquals = { "aws:Referer" = [sha256("form of first"), sha256("form of second")] }
    }
    error_message = "The uploads bucket takes forms that did not come through CloudFront, or none with an older key."
  }

  assert {
    condition     = contains(nonsensitive(local.bucket_statements.uploads)[*].Sid, "FormsThroughCloudFront")
    error_message = "The uploads bucket takes forms from anybody."
  }
}
