# The role that may run `zappa deploy` and `zappa update` and publish static files, and nothing else. Users of this
# account can assume it, and so can the main branch of one GitHub repository, if configured.

locals {
  deployer_trust = concat(
    [merge(
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "sts:AssumeRole"
      },
      var.deployer_needs_mfa ? { Condition = { Bool = { "aws:MultiFactorAuthPresent" = "true" } } } : {},
    )],
    [for arn in local.github_provider : {
      Effect    = "Allow"
      Principal = { Federated = arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:${var.github_repository}:ref:refs/heads/main"
        }
      }
    }],
  )

  github_provider = var.github_repository == null ? [] : [coalesce(var.github_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))]

  deployer_statements = concat([
    {
      Sid    = "Functions"
      Effect = "Allow"
      Action = [
        "lambda:AddPermission",
        "lambda:CreateAlias",
        "lambda:CreateFunction",
        "lambda:DeleteFunction",
        "lambda:DeleteFunctionConcurrency",
        "lambda:DeleteFunctionUrlConfig",
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:GetAlias",
        "lambda:GetFunction",
        "lambda:GetFunctionConfiguration",
        "lambda:GetPolicy",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:InvokeFunction",
        "lambda:ListFunctionUrlConfigs",
        "lambda:ListTags",
        "lambda:ListVersionsByFunction",
        "lambda:PublishVersion",
        "lambda:PutFunctionConcurrency",
        "lambda:RemovePermission",
        "lambda:TagResource",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
      ]
      Resource = flatten([for arn in values(local.function_arns) : [arn, "${arn}:*"]])
    },
    {
      Sid       = "HandRolesOn"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = [aws_iam_role.web.arn, aws_iam_role.worker.arn]
      Condition = { StringEquals = { "iam:PassedToService" = distinct(flatten(values(local.trusted))) } }
    },
    {
      Sid      = "LookAtRoles"
      Effect   = "Allow"
      Action   = "iam:GetRole"
      Resource = [aws_iam_role.web.arn, aws_iam_role.worker.arn]
    },
    {
      Sid    = "ApiStack"
      Effect = "Allow"
      Action = [
        "cloudformation:CreateStack",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStackResource",
        "cloudformation:DescribeStacks",
        "cloudformation:ListStackResources",
        "cloudformation:UpdateStack",
      ]
      Resource = [
        for name in [local.web_function, local.worker_function] :
        "arn:${local.partition}:cloudformation:${var.region}:${local.account}:stack/${name}/*"
      ]
    },
    {
      Sid      = "Api"
      Effect   = "Allow"
      Action   = ["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"]
      Resource = ["arn:${local.partition}:apigateway:${var.region}::/restapis", "arn:${local.partition}:apigateway:${var.region}::/restapis/*"]
    },
    # Zappa creates an additional key, which belongs to no usage plan.
    {
      Sid      = "ApiKeys"
      Effect   = "Allow"
      Action   = ["apigateway:DELETE", "apigateway:GET", "apigateway:POST"]
      Resource = ["arn:${local.partition}:apigateway:${var.region}::/apikeys", "arn:${local.partition}:apigateway:${var.region}::/apikeys/*"]
    },
    # Zappa tags its stack with the project, and CloudFormation copies the tag to the API.
    {
      Sid      = "ApiTags"
      Effect   = "Allow"
      Action   = "apigateway:PUT"
      Resource = "arn:${local.partition}:apigateway:${var.region}::/tags/arn%3A${local.partition}%3Aapigateway%3A${var.region}%3A%3A%2Frestapis%2F*"
    },
    {
      Sid    = "Clock"
      Effect = "Allow"
      Action = [
        "events:DeleteRule",
        "events:DescribeRule",
        "events:ListTargetsByRule",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
      ]
      Resource = "arn:${local.partition}:events:${var.region}:${local.account}:rule/${local.worker_function}*"
    },
    {
      Sid      = "UploadEvents"
      Effect   = "Allow"
      Action   = ["s3:GetBucketNotification", "s3:PutBucketNotification"]
      Resource = local.bucket_arns.uploads
    },
    {
      Sid      = "ListBuckets"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource = [local.bucket_arns.deployment, local.bucket_arns.static]
    },
    {
      Sid      = "Packages"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${local.bucket_arns.deployment}/*"
    },
    {
      Sid      = "StaticFiles"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${local.bucket_arns.static}/static/*"
    },
    {
      Sid      = "ReadLogs"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogStreams", "logs:FilterLogEvents"]
      Resource = [for group in aws_cloudwatch_log_group.function : "${group.arn}:*"]
    },
    # CloudWatch checks the permission for this call against all alarms, not the named ones.
    {
      Sid      = "WatchAlarms"
      Effect   = "Allow"
      Action   = "cloudwatch:DescribeAlarms"
      Resource = "arn:${local.partition}:cloudwatch:${var.region}:${local.account}:alarm:*"
    },
    {
      Sid      = "CallsWithoutResource"
      Effect   = "Allow"
      Action   = ["events:ListRuleNamesByTarget", "lambda:ListFunctions"]
      Resource = "*"
    },
    ],
    [for _ in range(local.network) : {
      Sid      = "LookAtNetwork"
      Effect   = "Allow"
      Action   = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
      Resource = "*"
  }])
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_repository != null && var.github_provider_arn == null ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "deployer" {
  name                 = "${var.project}-deployer"
  description          = "Deploys code, not infrastructure."
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = local.deployer_trust })
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "deployer" {
  name   = "deployer"
  role   = aws_iam_role.deployer.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.deployer_statements })
}
