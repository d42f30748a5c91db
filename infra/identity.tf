# User accounts. The site has its own pages instead of Cognito's, and logs in with SRP, so that no login sends a password.

resource "aws_cognito_user_pool" "people" {
  name                     = var.project
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = "OPTIONAL"
  deletion_protection      = var.allow_data_loss ? "INACTIVE" : "ACTIVE"
  user_pool_tier           = var.advanced_security ? "PLUS" : null

  username_configuration {
    case_sensitive = false
  }

  # Anybody who knows the client's id, which each token names, may call SignUp past the site's pages.
  admin_create_user_config {
    allow_admin_create_user_only = var.sign_up == "closed"
  }

  # Without this, Cognito sends the mails itself, at most 50 a day.
  dynamic "email_configuration" {
    for_each = var.mail_from[*]

    content {
      email_sending_account = "DEVELOPER"
      from_email_address    = email_configuration.value
      source_arn            = local.mail_identity
    }
  }

  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = false
    temporary_password_validity_days = 3
  }

  software_token_mfa_configuration {
    enabled = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  # A new address takes effect only after its owner has confirmed it.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  dynamic "user_pool_add_ons" {
    for_each = var.advanced_security ? ["ENFORCED"] : []

    content {
      advanced_security_mode = user_pool_add_ons.value
    }
  }
}

resource "aws_cognito_user_pool_client" "site" {
  name                          = "site"
  user_pool_id                  = aws_cognito_user_pool.people.id
  generate_secret               = false
  explicit_auth_flows           = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true

  # A user disabled in the pool loses access to the site when the short-lived tokens expire.
  access_token_validity  = 15
  id_token_validity      = 15
  refresh_token_validity = 14

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }
}

resource "aws_cognito_user_group" "staff" {
  name         = "staff"
  description  = "May use the admin."
  user_pool_id = aws_cognito_user_pool.people.id
}
