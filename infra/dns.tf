# Only with a custom domain.

data "aws_route53_zone" "site" {
  count = var.domain_name == null ? 0 : 1

  name = var.zone_name
}

resource "aws_acm_certificate" "site" {
  #checkov:skip=CKV2_AWS_71:The names are var.domain_name and the zone's own; the check cannot read them.
  count    = var.domain_name == null ? 0 : 1
  provider = aws.us_east_1

  domain_name               = var.domain_name
  subject_alternative_names = local.root_domain[*]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "certificate" {
  for_each = toset(local.site_names)

  zone_id         = data.aws_route53_zone.site[0].zone_id
  name            = local.certificate_records[each.key].resource_record_name
  type            = local.certificate_records[each.key].resource_record_type
  records         = [local.certificate_records[each.key].resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

locals {
  certificate_records = {
    for option in flatten(aws_acm_certificate.site[*].domain_validation_options) : option.domain_name => option
  }
}

resource "aws_acm_certificate_validation" "site" {
  count    = var.domain_name == null ? 0 : 1
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.site[0].arn
  validation_record_fqdns = [for record in aws_route53_record.certificate : record.fqdn]
}

resource "aws_route53_record" "site" {
  for_each = { for pair in setproduct(local.site_names, ["A", "AAAA"]) : join(" ", pair) => pair }

  zone_id = data.aws_route53_zone.site[0].zone_id
  name    = each.value[0]
  type    = each.value[1]

  alias {
    name                   = aws_cloudfront_distribution.site.domain_name
    zone_id                = aws_cloudfront_distribution.site.hosted_zone_id
    evaluate_target_health = false
  }
}
