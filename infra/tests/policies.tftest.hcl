# Checks every policy, with every switch on that adds a statement.

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
    ])) == toset(["JoinNetwork", "OnlyLambdaJoinsTheNetwork", "LabelImages", "Trace", "CallsWithoutResource", "LookAtNetwork"])
    error_message = "A statement other than the listed ones, whose actions support no resource, has the resource *."
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
    error_message = "A statement covers resources of other projects."
  }

  assert {
    condition = !anytrue(flatten([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy] : [
        for statement in jsondecode(policy).Statement : [for action in flatten([statement.Action]) : action == "logs:CreateLogGroup"]
      ]
    ]))
    error_message = "A function could create a log group that is kept forever."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.web.policy, aws_iam_role_policy.worker.policy] : anytrue([
        for statement in jsondecode(policy).Statement : try(toset(statement.Action), toset([])) == toset(["xray:PutTraceSegments", "xray:PutTelemetryRecords"])
      ])
    ])
    error_message = "A function's role may not send traces."
  }

  # Lambda needs these actions for its own requests only: docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
  assert {
    condition = alltrue([
      for function, policy in { web = aws_iam_role_policy.web.policy, worker = aws_iam_role_policy.worker.policy } :
      toset(flatten([for statement in jsondecode(policy).Statement : statement.Action if statement.Effect == "Allow" && startswith(flatten([statement.Action])[0], "ec2:")])) ==
      toset(flatten([
        for statement in jsondecode(policy).Statement : statement.Action
        if statement.Effect == "Deny" && try(statement.Condition.ArnEquals["lambda:SourceFunctionArn"], "") == local.function_arns[function]
      ]))
    ])
    error_message = "Code that takes over a function could create network interfaces in the account, or delete them."
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
    error_message = "The worker has secrets other than its own key and the database."
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
    error_message = "Only Lambda, and the one service that Zappa passes it to, may assume a function's role."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.deployer.policy).Statement : toset(statement.Condition.StringEquals["iam:PassedToService"])
      if contains(flatten([statement.Action]), "iam:PassRole")
    ] == [toset(["lambda.amazonaws.com", "apigateway.amazonaws.com", "events.amazonaws.com"])]
    error_message = "The deployer may pass the roles only to the services that assume them."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role_policy.web.policy).Statement :
      contains(flatten([statement.Action]), "lambda:InvokeFunction") && contains(flatten([statement.Resource]), local.function_arns.web)
    ])
    error_message = "API Gateway invokes the web function with the web role, which must allow it."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role.deployer.assume_role_policy).Statement :
      statement.Action == "sts:AssumeRoleWithWebIdentity" &&
      try(statement.Condition.StringEquals["token.actions.githubusercontent.com:sub"], "") == "repo:example/imagesite:ref:refs/heads/main"
    ])
    error_message = "GitHub may deploy only from the main branch of the named repository."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role.deployer.assume_role_policy).Statement :
      statement.Action == "sts:AssumeRoleWithWebIdentity" || try(statement.Condition.Bool["aws:MultiFactorAuthPresent"], "") == "true"
    ])
    error_message = "Users may deploy only with a second factor."
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
    error_message = "A bucket allows access without TLS."
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_s3_bucket_policy.this : [
        for statement in jsondecode(policy.policy).Statement :
        statement.Effect == "Deny" || (can(statement.Principal.Service) && can(statement.Condition.StringEquals) && !strcontains(statement.Action, "*"))
      ]
    ]))
    error_message = "A bucket allows access to others than the named AWS services acting for this account."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : bucket.force_destroy == false])
    error_message = "A destroy would delete images without asking."
  }

  assert {
    condition = alltrue([
      for use in ["uploads", "results"] :
      aws_s3_bucket_lifecycle_configuration.this[use].rule[0].expiration[0].days == 8
    ])
    error_message = "The buckets delete images before the maximum retention, or too long after it."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this["deployment"].rule : [rule.filter[0].prefix, tostring(rule.expiration[0].days), tostring(rule.noncurrent_version_expiration[0].noncurrent_days)]
      if rule.id == "forget-backups"
    ] == [["backup/", "1", "1"]]
    error_message = "A database copy that a backup left behind stays in the bucket."
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.uploads) == 0 && length(aws_cloudfront_response_headers_policy.images.cors_config) == 0
    error_message = "Pages of other sites may upload files or read results."
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
    error_message = "Every path must require TLS and have security headers."
  }

  assert {
    condition = anytrue([
      for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior :
      behaviour.path_pattern == "/results/*" && length(coalesce(behaviour.trusted_key_groups, [])) == 1
    ])
    error_message = "Results must require a signed link."
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
    error_message = "Requests to a bucket are not signed, or signed forms get a second signature."
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
    error_message = "CloudFront would cache an error for ten seconds and serve it to everybody."
  }
}

run "identity" {
  assert {
    condition     = aws_cognito_user_pool_client.site.generate_secret == false && aws_cognito_user_pool_client.site.explicit_auth_flows == toset(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    error_message = "Only SRP is allowed: no flow may send a password."
  }

  assert {
    condition     = aws_cognito_user_pool_client.site.prevent_user_existence_errors == "ENABLED"
    error_message = "The pool reveals who has an account."
  }

  assert {
    condition     = aws_cognito_user_pool.people.deletion_protection == "ACTIVE"
    error_message = "A destroy would delete the users without asking."
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
    error_message = "The uploads bucket accepts forms that bypass CloudFront, or rejects those with the previous key."
  }

  assert {
    condition     = contains(nonsensitive(local.bucket_statements.uploads)[*].Sid, "FormsThroughCloudFront")
    error_message = "The uploads bucket accepts forms from anywhere."
  }
}
