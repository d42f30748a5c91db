# Optional. Amazon's common rule set is left out on purpose: it blocks bodies over 8 KB, and therefore images.

resource "aws_wafv2_web_acl" "site" {
  #checkov:skip=CKV2_AWS_31:Blocked requests are counted and sampled; full logs would cost more than the rules.
  count    = var.firewall ? 1 : 0
  provider = aws.us_east_1

  name  = var.project
  scope = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit              = var.firewall_requests_per_5_minutes
        aggregate_key_type = "IP"

        # Uploads do not count: a batch may have hundreds of files. Each needs a signed form, and requests for forms count.
        scope_down_statement {
          not_statement {
            statement {
              byte_match_statement {
                search_string         = "/uploads"
                positional_constraint = "EXACTLY"

                field_to_match {
                  uri_path {}
                }

                text_transformation {
                  priority = 0
                  type     = "NONE"
                }
              }
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = true
      metric_name                = "${var.project}-rate"
    }
  }

  rule {
    name     = "bad-addresses"
    priority = 1

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesAmazonIpReputationList"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = true
      metric_name                = "${var.project}-bad-addresses"
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = true
    metric_name                = var.project
  }
}
