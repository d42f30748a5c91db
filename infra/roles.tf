# The permissions of the two functions, by exact action and resource. The web function cannot read originals; the worker,
# which decodes untrusted files, cannot read the site's secrets.

locals {
  # Zappa passes a function's role to other services: to API Gateway, which assumes it to invoke the web function, and to
  # EventBridge, with the clock's rule.
  trusted = {
    web    = ["lambda.amazonaws.com", "apigateway.amazonaws.com"]
    worker = ["lambda.amazonaws.com", "events.amazonaws.com"]
  }
  trust = {
    for function, services in local.trusted : function => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Service = services }
        Action    = "sts:AssumeRole"
      }]
    })
  }

  logs = {
    for function in ["web", "worker"] : function => {
      Sid      = "WriteOwnLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.function[function].arn}:*"
    }
  }

  read_own_secrets = {
    for function, path in local.secrets_paths : function => {
      Sid      = "ReadOwnSecrets"
      Effect   = "Allow"
      Action   = "ssm:GetParametersByPath"
      Resource = "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter${path}"
    }
  }

  ask_the_worker = {
    Sid      = "AskTheWorker"
    Effect   = "Allow"
    Action   = "lambda:InvokeFunction"
    Resource = local.function_arns.worker
  }

  # Without it, S3 answers 403 instead of 404 for a missing object.
  tell_missing_from_forbidden = {
    for use, prefix in { uploads = "uploads/", results = "results/" } : use => {
      Sid                        = "TellMissingFromForbiddenIn${title(use)}"
      Effect                     = "Allow"
      Action                     = "s3:ListBucket"
      Resource                   = local.bucket_arns[use]
      Condition                  = { StringLike = { "s3:prefix" = "${prefix}*" } }
    }
  }

  # Lambda manages the network interfaces itself; these actions support no resource.
  interface_actions = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ]

  # Requests of the code carry the function's ARN, and those of Lambda for its networks do not: the code can touch no
  # interface. docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
  join_network = {
    for function, arn in local.function_arns : function => flatten([for _ in range(local.network) : [
      {
        Sid      = "JoinNetwork"
        Effect   = "Allow"
        Action   = local.interface_actions
        Resource = "*"
      },
      {
        Sid       = "OnlyLambdaJoinsTheNetwork"
        Effect    = "Deny"
        Action    = local.interface_actions
        Resource  = "*"
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = arn } }
      },
    ]])
  }

  # Rekognition analyses the bytes in the request; the action supports no resource.
  label_images = [for _ in range(var.labels ? 1 : 0) : {
    Sid      = "LabelImages"
    Effect   = "Allow"
    Action   = ["rekognition:DetectLabels", "rekognition:DetectModerationLabels"]
    Resource = "*"
  }]

  # Lambda traces a function only if its role may send traces; these actions support no resource.
  trace = [for _ in range(var.tracing ? 1 : 0) : {
    Sid      = "Trace"
    Effect   = "Allow"
    Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    Resource = "*"
  }]

  web_statements = concat([
    local.logs.web,
    local.read_own_secrets.web,
    local.ask_the_worker,
    {
      Sid      = "ApiCallsThePages"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = local.function_arns.web
    },
    local.tell_missing_from_forbidden.results,
    {
      # Only for /healthz.
      Sid       = "SeeThatUploadsAnswer"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.bucket_arns.uploads
      Condition = { StringEquals = { "s3:prefix" = "uploads/healthz" } }
    },
    {
      Sid      = "SignUploadsAndForgetThem"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:DeleteObject"]
      Resource = "${local.bucket_arns.uploads}/uploads/*"
    },
    {
      Sid      = "ShowResultsAndForgetThem"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:DeleteObject"]
      Resource = "${local.bucket_arns.results}/results/*"
    },
    {
      Sid      = "ShowMetadataAndForgetIt"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:DeleteItem"]
      Resource = aws_dynamodb_table.metadata.arn
    },
    {
      Sid      = "ReadAndChangeConfiguration"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
      Resource = aws_dynamodb_table.configuration.arn
    },
    {
      Sid    = "LookAfterPeople"
      Effect = "Allow"
      Action = [
        "cognito-idp:AdminDeleteUser",
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminSetUserMFAPreference",
        "cognito-idp:AdminUserGlobalSignOut",
      ]
      Resource = aws_cognito_user_pool.people.arn
    },
  ], local.join_network.web, local.trace)

  worker_statements = concat([
    local.logs.worker,
    local.read_own_secrets.worker,
    local.ask_the_worker,
    local.tell_missing_from_forbidden.uploads,
    local.tell_missing_from_forbidden.results,
    {
      Sid      = "ReadAndFetchOriginalsAndForgetThem"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      Resource = "${local.bucket_arns.uploads}/uploads/*"
    },
    {
      # ZIPs are uploaded in parts, which must be deleted if the upload fails.
      Sid      = "KeepResults"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
      Resource = "${local.bucket_arns.results}/results/*"
    },
    {
      Sid      = "KeepMetadata"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      Resource = aws_dynamodb_table.metadata.arn
    },
    {
      Sid      = "ReadConfiguration"
      Effect   = "Allow"
      Action   = "dynamodb:GetItem"
      Resource = aws_dynamodb_table.configuration.arn
    },
    {
      Sid      = "ReportLostEvents"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = aws_sqs_queue.failed.arn
    },
  ], local.join_network.worker, local.label_images, local.trace)
}

resource "aws_iam_role" "web" {
  name               = "${var.project}-web"
  description        = "Serves pages and API."
  assume_role_policy = local.trust.web
}

resource "aws_iam_role_policy" "web" {
  name   = "web"
  role   = aws_iam_role.web.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.web_statements })
}

resource "aws_iam_role" "worker" {
  name               = "${var.project}-worker"
  description        = "Runs conversions and the clock."
  assume_role_policy = local.trust.worker
}

resource "aws_iam_role_policy" "worker" {
  name   = "worker"
  role   = aws_iam_role.worker.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.worker_statements })
}
