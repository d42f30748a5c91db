# --- General ---

variable "project" {
  description = "Prefix of all names, and Zappa's project_name."
  type        = string
  default     = "imagesite"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.project))
    error_message = "Use 2 to 16 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen. All names start with it; if it were longer, Zappa would hash the name of the clock's rule."
  }

  validation {
    condition     = !can(regex("--|^(aws|ssm)|^(sg|sthree|amzn-s3-demo)(-|$)|^default$", var.project))
    error_message = "AWS reserves names that start with aws, ssm, sg-, sthree- or amzn-s3-demo-, and the name default. RDS and Zappa do not allow two hyphens in a row."
  }
}

variable "region" {
  description = "AWS region of everything except what CloudFront requires in us-east-1."
  type        = string
  default     = "eu-west-1"
}

variable "allow_data_loss" {
  description = "Allow a destroy to delete images, metadata, users and the database. `make destroy` sets it after asking."
  type        = bool
  default     = false
}

# --- Edge ---

variable "small" {
  description = "Costs almost nothing without traffic: ten alarms and no private network."
  type        = bool
  default     = false

  validation {
    condition     = !var.small || var.database_mode == "external"
    error_message = "small needs database_mode = \"external\": the private network for aurora costs 24 USD a month."
  }
}

variable "domain_name" {
  description = "Domain of the site, such as images.example.com. Null: CloudFront's domain name."
  type        = string
  default     = null
}

variable "zone_name" {
  description = "Route 53 hosted zone of domain_name, such as example.com."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || var.domain_name == var.zone_name || try(endswith(var.domain_name, ".${var.zone_name}"), false)
    error_message = "Set zone_name to the hosted zone that domain_name belongs to."
  }
}

variable "redirect_root_domain" {
  description = "Redirect the zone's own name to domain_name."
  type        = bool
  default     = false
}

variable "price_class" {
  description = "CloudFront price class: PriceClass_100 (Europe, North America), PriceClass_200 or PriceClass_All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "Use PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "cloudfront_public_keys" {
  description = "Public RSA 2048 keys (PEM) that download links are verified with; links are signed with the first. Empty: presigned S3 URLs instead."
  type        = list(string)
  default     = []
}

variable "cors_origins" {
  description = "Origins whose pages may call the API with a token, upload files and read results, such as [\"https://app.example.org\"]."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/,]+$", origin))])
    error_message = "An origin is a scheme and a host, such as https://app.example.org."
  }
}

variable "api_requests_per_second" {
  description = "Requests per second above which the API answers 429; bursts may be twice as high."
  type        = number
  default     = 200
}

variable "firewall" {
  description = "Add AWS WAF with a rate limit and Amazon's IP reputation list (about 8 USD a month)."
  type        = bool
  default     = false
}

variable "firewall_requests_per_5_minutes" {
  description = "Requests in five minutes from one IP address above which the firewall blocks it."
  type        = number
  default     = 2000
}

# --- Data ---

variable "database_mode" {
  description = "aurora: PostgreSQL that pauses when idle, in a private network. external: any PostgreSQL URL, no private network."
  type        = string
  default     = "aurora"

  validation {
    condition     = contains(["aurora", "external"], var.database_mode)
    error_message = "Use aurora or external."
  }
}

variable "database_max_capacity" {
  description = "Maximum Aurora capacity units (1 ACU is about 2 GiB of memory)."
  type        = number
  default     = 4
}

variable "database_pause_seconds" {
  description = "Seconds without a connection after which Aurora pauses."
  type        = number
  default     = 300
}

variable "high_availability" {
  description = "aurora mode: a second instance in the other zone and endpoints in both, so that the loss of a zone interrupts the site for half a minute. Doubles their cost."
  type        = bool
  default     = false
}

variable "outbound_internet" {
  description = "aurora mode: add a NAT gateway (about 35 USD a month), which webhooks and imports from URLs need."
  type        = bool
  default     = false
}

variable "retention_hours" {
  description = "Hours after which a batch is deleted, unless its owner chooses otherwise."
  type        = number
  default     = 24
}

variable "max_retention_hours" {
  description = "Maximum retention in hours that users can choose. A day later the buckets delete what the site missed."
  type        = number
  default     = 168

  validation {
    condition     = var.max_retention_hours >= var.retention_hours
    error_message = "max_retention_hours must not be less than retention_hours."
  }
}

variable "sweep_schedule" {
  description = "How often deadlines are checked and webhooks retried. Each run wakes a paused database for five minutes. Null: hourly if the network has no outbound access, else every minute."
  type        = string
  default     = null

  # Zappa deletes the old rule before EventBridge validates the new one.
  validation {
    condition     = var.sweep_schedule == null || can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(\\S+( \\S+){5}\\))$", var.sweep_schedule))
    error_message = "Use a schedule such as rate(1 minute), rate(5 minutes) or cron(0 * * * ? *)."
  }
}

variable "labels" {
  description = "Label the contents of images with Rekognition."
  type        = bool
  default     = false
}

# --- Functions ---

variable "web_concurrency" {
  description = "Reserved concurrency of the web function. Null: none."
  type        = number
  default     = null
}

variable "worker_concurrency" {
  description = "Images converted at the same time, so that a burst does not starve the pages. Null: no reservation, if the account's quota is too small."
  type        = number
  default     = 20
}

variable "worker_timeout_seconds" {
  description = "Maximum seconds for one upload with all its outputs."
  type        = number
  default     = 300

  validation {
    condition     = var.worker_timeout_seconds >= 60 && var.worker_timeout_seconds <= 900
    error_message = "Use 60 to 900 seconds."
  }
}

# --- Identity ---

variable "advanced_security" {
  description = "Cognito's threat protection (Plus tier, charged per active user)."
  type        = bool
  default     = false
}

variable "sign_up" {
  description = "Who may create an account: open or closed. If open, staff can close sign-up on the site."
  type        = string
  default     = "open"

  validation {
    condition     = contains(["open", "closed"], var.sign_up)
    error_message = "Use open or closed. User pools have no invitations: staff add users to the pool instead."
  }
}

variable "guests" {
  description = "Let visitors convert images without an account. Null: if sign_up is open."
  type        = bool
  default     = null
}

variable "guest_jobs_an_hour" {
  description = "Conversions per hour for one guest. 0: no limit."
  type        = number
  default     = 100
}

variable "guest_address_jobs_an_hour" {
  description = "Conversions per hour for all guests at one IP address (IPv6: one /64). 0: no limit."
  type        = number
  default     = 300
}

variable "guest_bytes_kept" {
  description = "Bytes stored for all guests at one IP address. 0: no limit."
  type        = number
  default     = 2000000000
}

variable "guest_retention_hours" {
  description = "Hours after which a guest's images are deleted. Null: 24, or retention_hours if that is less."
  type        = number
  default     = null

  validation {
    condition     = var.guest_retention_hours == null || try(var.guest_retention_hours > 0 && var.guest_retention_hours <= var.max_retention_hours, false)
    error_message = "Use more than 0 and at most max_retention_hours: a day after that the buckets delete everything."
  }
}

variable "deployer_needs_mfa" {
  description = "Require a second factor to assume the deployer role. False for IAM Identity Center, whose sessions do not record one."
  type        = bool
  default     = true
}

variable "github_provider_arn" {
  description = "ARN of the account's OpenID Connect provider for GitHub, if it has one: an account can have only one. Null: it is created."
  type        = string
  default     = null
}

variable "mail_from" {
  description = "Sender of the user pool's mails, through SES, such as images@example.com. Null: Cognito sends them, at most 50 a day."
  type        = string
  default     = null

  validation {
    condition     = var.mail_from == null || var.mail_identity_arn != null || try(can(regex("^[^@]+@([^@]+[.])?${replace(var.zone_name, ".", "[.]")}$", var.mail_from)), false)
    error_message = "mail_from must be an address in zone_name, where its DNS records are created, or mail_identity_arn must be set."
  }
}

variable "mail_identity_arn" {
  description = "ARN of a verified SES identity that covers mail_from. Null: the domain is verified in zone_name."
  type        = string
  default     = null
}

variable "github_repository" {
  description = "owner/name of the repository whose main branch may deploy through OpenID Connect. Null: only users of this account."
  type        = string
  default     = null
}

# --- Secrets ---

variable "secrets" {
  description = "Passed to AWS in write-only arguments, so that they never appear in the state. deploy.py stores them in an SSM parameter."
  ephemeral   = true
  sensitive   = true

  type = object({
    web_secret_keys        = string           # comma-separated: the web function's SECRET_KEY for Django, then its fallbacks
    worker_secret_key      = string           # a different one, so that a compromised worker cannot sign for the site
    origin_secrets         = string           # comma-separated, as in var.origin_secrets
    database_password      = string           # aurora mode
    database_url           = optional(string) # external mode
    cloudfront_private_key = optional(string) # belongs to the first of cloudfront_public_keys
  })

  validation {
    condition     = var.database_mode == "aurora" || var.secrets.database_url != null
    error_message = "database_mode = \"external\" needs a database_url."
  }

  validation {
    condition     = length(var.cloudfront_public_keys) == 0 || var.secrets.cloudfront_private_key != null
    error_message = "cloudfront_public_keys needs the cloudfront_private_key that belongs to the first key."
  }
}

variable "secrets_version" {
  description = "Terraform writes the secrets again when this increases."
  type        = number
}

variable "origin_secrets" {
  description = "Prove to the API that a request came through CloudFront, which sends the first. Part of its configuration, hence in the state."
  type        = list(string)
  sensitive   = true
}

# --- Monitoring ---

variable "alarm_email" {
  description = "Email address for alarms and the budget. Null: alarms appear only in CloudWatch."
  type        = string
  default     = null
}

variable "monthly_budget" {
  description = "Monthly budget in US dollars; mails are sent at 80 % and when the forecast exceeds it. Null: no budget."
  type        = number
  default     = 50
}

variable "budget_by_tag" {
  description = "Count only costs tagged project = <project> in the budget. First activate the tag (Billing, Cost allocation tags): until then nothing is counted."
  type        = bool
  default     = false
}

variable "tracing" {
  description = "Record traces of requests and events with AWS X-Ray (about 5 USD per million sampled)."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}
