# SES sends the user pool's mails if mail_from is set. In a new account SES is in a sandbox and sends only to verified
# addresses until AWS grants production access (SES, Account dashboard, Request production access).

locals {
  mail_domain = try(split("@", var.mail_from)[1], null)

  # Verified by DNS records in the zone. The user pool accepts only verified addresses, so the apply waits for SES.
  mail_proved = var.mail_from != null && var.mail_identity_arn == null ? 1 : 0

  # Newer regions have their own DKIM domains: docs.aws.amazon.com/general/latest/gr/ses.html#ses_dkim_domains
  regions_with_own_dkim = [
    "af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5", "ca-west-1", "eu-central-2",
    "eu-south-1", "il-central-1", "me-central-1",
  ]
  dkim_domain = contains(local.regions_with_own_dkim, var.region) ? "dkim.${var.region}.amazonses.com" : "dkim.amazonses.com"

  mail_identity = try(coalesce(var.mail_identity_arn, one(aws_ses_domain_identity_verification.mail[*].arn)), null)
}

resource "aws_ses_domain_identity" "mail" {
  count = local.mail_proved

  domain = local.mail_domain
}

resource "aws_ses_domain_dkim" "mail" {
  count = local.mail_proved

  domain = aws_ses_domain_identity.mail[0].domain
}

data "aws_route53_zone" "mail" {
  count = local.mail_proved

  name = var.zone_name
}

resource "aws_route53_record" "mail_proof" {
  count = local.mail_proved

  zone_id = data.aws_route53_zone.mail[0].zone_id
  name    = "_amazonses.${local.mail_domain}"
  type    = "TXT"
  ttl     = 600
  records = [aws_ses_domain_identity.mail[0].verification_token]
}

# SES publishes its DKIM keys behind these three names.
resource "aws_route53_record" "mail_signature" {
  count = 3 * local.mail_proved

  zone_id = data.aws_route53_zone.mail[0].zone_id
  name    = "${aws_ses_domain_dkim.mail[0].dkim_tokens[count.index]}._domainkey.${local.mail_domain}"
  type    = "CNAME"
  ttl     = 600
  records = ["${aws_ses_domain_dkim.mail[0].dkim_tokens[count.index]}.${local.dkim_domain}"]
}

resource "aws_ses_domain_identity_verification" "mail" {
  count = local.mail_proved

  domain = aws_ses_domain_identity.mail[0].domain

  depends_on = [aws_route53_record.mail_proof]
}
