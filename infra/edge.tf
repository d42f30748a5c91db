# The only entrance to the site. AWS Shield Standard protects every distribution automatically, free of charge.

locals {
  # The fixed ids of AWS managed policies.
  managed = {
    caching_optimized             = "658327ea-f89d-4fab-a63d-7e88639e58f6"
    caching_disabled              = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    all_viewer_except_host_header = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
  }

  link_key_id = local.signed_links ? aws_cloudfront_public_key.links[substr(sha256(var.cloudfront_public_keys[0]), 0, 8)].id : ""

  # If the site's name is the zone itself, other hosts in the zone may not support TLS.
  below_the_zone = var.domain_name == null || var.domain_name != var.zone_name

  root_domain = var.redirect_root_domain && var.domain_name != var.zone_name ? var.zone_name : null
  site_names  = compact([var.domain_name, local.root_domain])
}

resource "aws_cloudfront_origin_access_control" "buckets" {
  name                              = var.project
  description                       = "CloudFront signs its requests to the private buckets."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "viewer_request" {
  name    = "${var.project}-viewer-request"
  comment = "Forwards the visitor's host."
  runtime = "cloudfront-js-2.0"
  publish = true
  code = templatefile("${path.module}/edge/viewer_request.js", {
    root_domain = coalesce(local.root_domain, "-")
    site_domain = coalesce(var.domain_name, "-")
  })
}

resource "aws_cloudfront_function" "uploads_request" {
  name    = "${var.project}-uploads-request"
  comment = "Forwards signed forms to the uploads bucket."
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = file("${path.module}/edge/uploads_request.js")
}

# Keyed by content: adding a key does not change the existing one, which has signed links that are still in use.
resource "aws_cloudfront_public_key" "links" {
  for_each = { for key in var.cloudfront_public_keys : substr(sha256(key), 0, 8) => key }

  name        = "${var.project}-links-${each.key}"
  encoded_key = each.value

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudfront_key_group" "links" {
  count = local.signed_links ? 1 : 0

  name  = "${var.project}-links"
  items = [for key in aws_cloudfront_public_key.links : key.id]
}

# Django's own frame and referrer headers take precedence; these are for responses that do not come from Django.
resource "aws_cloudfront_response_headers_policy" "pages" {
  name = "${var.project}-pages"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = local.below_the_zone
      preload                    = local.below_the_zone
      override                   = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = false
    }

    referrer_policy {
      referrer_policy = "same-origin"
      override        = false
    }
  }
}

# Converted images are untrusted content: a browser must never execute anything in them.
resource "aws_cloudfront_response_headers_policy" "images" {
  name = "${var.project}-images"

  dynamic "cors_config" {
    for_each = length(var.cors_origins) > 0 ? [var.cors_origins] : []

    content {
      access_control_allow_credentials = false
      origin_override                  = false

      access_control_allow_headers {
        items = ["Range"]
      }

      access_control_allow_methods {
        items = ["GET", "HEAD"]
      }

      access_control_allow_origins {
        items = cors_config.value
      }

      access_control_expose_headers {
        items = ["Content-Disposition", "Content-Range", "ETag"]
      }
    }
  }

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = local.below_the_zone
      preload                    = local.below_the_zone
      override                   = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "same-origin"
      override        = true
    }

    content_security_policy {
      content_security_policy = "default-src 'none'; sandbox"
      override                = true
    }
  }
}

resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV2_AWS_47:Log4j rules: no Java here.
  #checkov:skip=CKV_AWS_86:Access logs use log delivery (logs.tf), which the check does not know.
  #checkov:skip=CKV_AWS_305:`/` is a page of Django, not an object.
  #checkov:skip=CKV_AWS_310:One origin per path; a second region is not part of this system.
  #checkov:skip=CKV_AWS_374:The site is open to all countries.
  comment             = var.project
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = var.price_class
  aliases             = local.site_names
  web_acl_id          = one(aws_wafv2_web_acl.site[*].arn)
  wait_for_deployment = false

  origin {
    origin_id                = "static"
    domain_name              = aws_s3_bucket.this["static"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.buckets.id
  }

  origin {
    origin_id                = "results"
    domain_name              = aws_s3_bucket.this["results"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.buckets.id
  }

  # Without origin access control: the site signs the form, and S3 accepts only one signature. The bucket recognizes
  # CloudFront by this header (storage.tf), the only one that CloudFront can set and a bucket policy can check.
  origin {
    origin_id   = "uploads"
    domain_name = aws_s3_bucket.this["uploads"].bucket_regional_domain_name

    custom_header {
      name  = "Referer"
      value = local.form_secrets[0]
    }
  }

  dynamic "origin" {
    for_each = aws_cloudfront_key_group.links

    content {
      origin_id                = "originals"
      domain_name              = aws_s3_bucket.this["uploads"].bucket_regional_domain_name
      origin_access_control_id = aws_cloudfront_origin_access_control.buckets.id
    }
  }

  dynamic "origin" {
    for_each = local.api_domain[*]

    content {
      origin_id   = "api"
      domain_name = origin.value
      origin_path = "/production"

      custom_origin_config {
        http_port              = 80
        https_port             = 443
        origin_protocol_policy = "https-only"
        origin_ssl_protocols   = ["TLSv1.2"]
        origin_read_timeout    = 30
      }

      custom_header {
        name  = "X-Origin-Verify"
        value = var.origin_secrets[0]
      }

      # API Gateway rejects requests without a key and does not invoke the function.
      custom_header {
        name  = "X-Api-Key"
        value = local.api_keys[local.api_key_names[0]]
      }
    }
  }

  default_cache_behavior {
    target_origin_id           = local.web_deployed ? "api" : "static"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.managed.caching_disabled
    origin_request_policy_id   = local.managed.all_viewer_except_host_header
    response_headers_policy_id = aws_cloudfront_response_headers_policy.pages.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.viewer_request.arn
    }
  }

  ordered_cache_behavior {
    path_pattern               = "/static/*"
    target_origin_id           = "static"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.managed.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.pages.id
  }

  # Nothing can be read here: S3 authenticates nothing but forms.
  ordered_cache_behavior {
    path_pattern               = "/uploads"
    target_origin_id           = "uploads"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = false
    cache_policy_id            = local.managed.caching_disabled
    origin_request_policy_id   = local.managed.all_viewer_except_host_header
    response_headers_policy_id = aws_cloudfront_response_headers_policy.images.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.uploads_request.arn
    }
  }

  # Without a key CloudFront cannot authenticate visitors: S3 serves the results, through presigned URLs.
  dynamic "ordered_cache_behavior" {
    for_each = aws_cloudfront_key_group.links

    content {
      path_pattern               = "/results/*"
      target_origin_id           = "results"
      viewer_protocol_policy     = "https-only"
      allowed_methods            = ["GET", "HEAD"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = false
      cache_policy_id            = local.managed.caching_optimized
      response_headers_policy_id = aws_cloudfront_response_headers_policy.images.id
      trusted_key_groups         = [ordered_cache_behavior.value.id]
    }
  }

  # Owners download their originals through signed links; CloudFront does not cache them.
  dynamic "ordered_cache_behavior" {
    for_each = aws_cloudfront_key_group.links

    content {
      path_pattern               = "/uploads/*"
      target_origin_id           = "originals"
      viewer_protocol_policy     = "https-only"
      allowed_methods            = ["GET", "HEAD"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = false
      cache_policy_id            = local.managed.caching_disabled
      response_headers_policy_id = aws_cloudfront_response_headers_policy.images.id
      trusted_key_groups         = [ordered_cache_behavior.value.id]
    }
  }

  # By default CloudFront caches an error for ten seconds and serves it to everybody.
  dynamic "custom_error_response" {
    for_each = toset([400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504])

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain_name == null
    acm_certificate_arn            = one(aws_acm_certificate_validation.site[*].certificate_arn)
    ssl_support_method             = var.domain_name == null ? null : "sni-only"
    minimum_protocol_version       = var.domain_name == null ? "TLSv1" : "TLSv1.2_2021"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}
