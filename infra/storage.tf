# Five private buckets. Zappa owns the notification of the uploads bucket: two owners would overwrite each other.

locals {
  # Days after which objects expire. The site deletes files earlier, as each user chose; this catches what it missed.
  image_days = ceil(var.max_retention_hours / 24) + 1
  expiry_days = {
    uploads    = local.image_days
    results    = local.image_days
    logs       = var.log_retention_days
    static     = null
    deployment = null
  }

  # Old versions allow code and pages to be rolled back. Images are not versioned, so that deleting really deletes them.
  versioned = toset(["static", "deployment"])

  tls_only = {
    for use, arn in local.bucket_arns : use => {
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "s3:*"
      Resource  = [arn, "${arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }

  cloudfront_reads = {
    for use, prefix in { static = "static/", results = "results/", uploads = "uploads/" } : use => {
      Sid                       = "CloudFrontReads"
      Effect                    = "Allow"
      Principal                 = { Service = "cloudfront.amazonaws.com" }
      Action                    = "s3:GetObject"
      Resource                  = "${local.bucket_arns[use]}/${prefix}*"
      Condition                 = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site.arn } }
    }
  }

  logs_arrive = [
    for folder, service in {
      "s3/uploads" = "logging.s3.amazonaws.com"
      "s3/results" = "logging.s3.amazonaws.com"
      "cloudfront" = "delivery.logs.amazonaws.com"
      } : {
      Sid       = "LogsArriveIn${replace(title(replace(folder, "/", " ")), " ", "")}"
      Effect    = "Allow"
      Principal = { Service = service }
      Action    = "s3:PutObject"
      Resource  = "${local.bucket_arns.logs}/${folder}/*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }
  ]

  # Derived from the origin secrets, so that they rotate together. The bucket policy does not reveal the secrets.
  form_secrets = [for secret in var.origin_secrets : sha256("form of ${secret}")]

  # Forms must come through CloudFront. The functions do not use forms; they sign their requests in headers.
  forms_through_cloudfront = {
    Sid       = "FormsThroughCloudFront"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "s3:PutObject"
    Resource  = "${local.bucket_arns.uploads}/*"
    Condition = {
      StringEquals    = { "s3:authType" = "POST" }
      StringNotEquals = { "aws:Referer" = local.form_secrets }
    }
  }

  bucket_statements = {
    uploads    = concat([local.tls_only.uploads, local.forms_through_cloudfront], local.signed_links ? [local.cloudfront_reads.uploads] : [])
    deployment = [local.tls_only.deployment]
    static     = [local.tls_only.static, local.cloudfront_reads.static]
    results    = [local.tls_only.results, local.cloudfront_reads.results]
    logs       = concat([local.tls_only.logs], local.logs_arrive)
  }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_145:S3's own key. A customer key costs money, needs grants for CloudFront and uploads, and adds no protection beyond IAM.
  #checkov:skip=CKV_AWS_144:No second region: images are kept for days, and code and pages are built from the repository.
  #checkov:skip=CKV_AWS_18:Access to uploads and results is logged; the other three contain no user data.
  #checkov:skip=CKV_AWS_21:Deleted images must be gone; static and deployment are versioned.
  #checkov:skip=CKV2_AWS_62:Only uploads raise events, and Zappa registers them.
  for_each = local.bucket_names

  bucket        = each.value
  force_destroy = var.allow_data_loss
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.versioned

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "forget"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }

    dynamic "expiration" {
      for_each = local.expiry_days[each.key][*]

      content {
        days = expiration.value
      }
    }

    dynamic "noncurrent_version_expiration" {
      for_each = setintersection(local.versioned, [each.key])

      content {
        noncurrent_days = 30
      }
    }
  }

  # A backup deletes its temporary object itself; this catches one whose session ended before that.
  dynamic "rule" {
    for_each = setintersection(["deployment"], [each.key])

    content {
      id     = "forget-backups"
      status = "Enabled"

      filter {
        prefix = "backup/"
      }

      expiration {
        days = 1
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.bucket_statements[each.key] })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

# The site's own pages post to the same origin and do not need CORS.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  count  = length(var.cors_origins) > 0 ? 1 : 0
  bucket = aws_s3_bucket.this["uploads"].id

  cors_rule {
    allowed_methods = ["POST"]
    allowed_origins = var.cors_origins
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = toset(["uploads", "results"])

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = aws_s3_bucket.this["logs"].id
  target_prefix = "s3/${each.key}/"

  depends_on = [aws_s3_bucket_policy.this]
}
