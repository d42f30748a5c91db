# --- What and where ---

variable "project" {
  description = "Prefix of every name, and Zappa's project_name."
  type        = string
  default     = "imagesite"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.project))
    error_message = "Use 2 to 16 lower-case letters, digits and hyphens, a letter first, no hyphen last: all names are made of it, and Zappa hashes the name of the clock's rule where it is longer."
  }

  validation {
    condition     = !can(regex("--|^(aws|ssm)|^(sg|sthree|amzn-s3-demo)(-|$)|^default$", var.project))
    error_message = "AWS keeps names for itself that begin with aws, ssm, sg-, sthree- or amzn-s3-demo-, and default. Two hyphens in a row are no part of names that RDS and Zappa make."
  }
}

variable "region" {
  description = "AWS region of everything but CloudFront's own parts."
  type        = string
  default     = "eu-west-1"
}

variable "allow_data_loss" {
  description = "Let a destroy delete images, metadata, users and the database. `make destroy` sets it after asking."
  type        = bool
  default     = false
}

# --- Edge ---

variable "small" {
  description = "What costs next to nothing while nobody comes: ten alarms, and no private network."
  type        = bool
  default     = false

  validation {
    condition     = !var.small || var.database_mode == "external"
    error_message = "small needs database_mode = \"external\": the private network of aurora costs 24 USD a month."
  }
}

variable "domain_name" {
  description = "Name of the site, such as images.example.com. Null: the CloudFront name is used."
  type        = string
  default     = null
}

variable "zone_name" {
  description = "Route 53 hosted zone that holds domain_name, such as example.com."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || var.domain_name == var.zone_name || try(endswith(var.domain_name, ".${var.zone_name}"), false)
    error_message = "domain_name needs zone_name, the hosted zone it ends with."
  }
}

variable "redirect_root_domain" {
  description = "Also answer on the zone's own name and send visitors on to domain_name."
  type        = bool
  default     = false
}

variable "price_class" {
  description = "CloudFront price class: PriceClass_100 (Europe, North America), PriceClass_200 or PriceClass_All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "One of PriceClass_100, PriceClass_200, PriceClass_All."
  }
}

variable "cloudfront_public_keys" {
  description = "PEM of each RSA 2048 key whose download links are good; the first one signs. Empty: links are presigned by S3 instead."
  type        = list(string)
  default     = []
}

variable "cors_origins" {
  description = "Origins whose pages may call the API with a token, send files and read results, such as [\"https://app.example.org\"]."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/,]+$", origin))])
    error_message = "An origin is a scheme and a host, such as https://app.example.org."
  }
}

variable "api_requests_per_second" {
  description = "Requests a second that the API takes before it answers 429; twice as many in a burst."
  type        = number
  default     = 200
}

variable "firewall" {
  description = "Put AWS WAF with a rate rule and Amazon's list of bad addresses in front (about 8 USD a month)."
  type        = bool
  default     = false
}

variable "firewall_requests_per_5_minutes" {
  description = "Requests one address may make in five minutes before the firewall turns it away."
  type        = number
  default     = 2000
}

# --- Data ---

variable "database_mode" {
  description = "aurora: PostgreSQL in a private network that pauses when idle. external: any PostgreSQL URL, no network."
  type        = string
  default     = "aurora"

  validation {
    condition     = contains(["aurora", "external"], var.database_mode)
    error_message = "One of aurora, external."
  }
}

variable "database_max_capacity" {
  description = "Aurora capacity units at full load (1 ACU is about 2 GiB of memory)."
  type        = number
  default     = 4
}

variable "database_pause_seconds" {
  description = "Aurora pauses after so many seconds without a connection."
  type        = number
  default     = 300
}

variable "high_availability" {
  description = "aurora mode: a second instance in the other zone, and endpoints in both, so that the loss of a zone takes half a minute. Doubles what they cost."
  type        = bool
  default     = false
}

variable "outbound_internet" {
  description = "aurora mode: add a NAT gateway (about 35 USD a month) so that webhooks and imports by URL can leave the private network."
  type        = bool
  default     = false
}

variable "retention_hours" {
  description = "Hours after which the site forgets a batch, where its owner has not chosen."
  type        = number
  default     = 24
}

variable "max_retention_hours" {
  description = "The most hours that a user may choose. The buckets delete a day later what the site missed."
  type        = number
  default     = 168

  validation {
    condition     = var.max_retention_hours >= var.retention_hours
    error_message = "What everybody has must be among what one may choose."
  }
}

variable "sweep_schedule" {
  description = "How often deadlines are looked at and webhooks tried again. Each look wakes a paused database for five minutes. Null: every hour where nothing can leave the network, else every minute."
  type        = string
  default     = null

  # Zappa takes the old rule away before EventBridge looks at the new one.
  validation {
    condition     = var.sweep_schedule == null || can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(\\S+( \\S+){5}\\))$", var.sweep_schedule))
    error_message = "Such as rate(1 minute), rate(5 minutes) or cron(0 * * * ? *)."
  }
}

variable "labels" {
  description = "Let the worker ask Rekognition what is in an image."
  type        = bool
  default     = false
}

# --- Functions ---

variable "web_concurrency" {
  description = "Reserved concurrency of the web function. Null: no reservation."
  type        = number
  default     = null
}

variable "worker_concurrency" {
  description = "Images converted at once; keeps a burst from starving the pages. Null where the account's quota is too small to reserve."
  type        = number
  default     = 20
}

variable "worker_timeout_seconds" {
  description = "Seconds one upload may take with all its outputs."
  type        = number
  default     = 300

  validation {
    condition     = var.worker_timeout_seconds >= 60 && var.worker_timeout_seconds <= 900
    error_message = "Between 60 and 900 seconds."
  }
}

# --- Identity ---

variable "advanced_security" {
  description = "Cognito's threat protection (Plus tier, priced per active user)."
  type        = bool
  default     = false
}

variable "sign_up" {
  description = "Who may create an account: open or closed. Staff may change it in the admin."
  type        = string
  default     = "open"

  validation {
    condition     = contains(["open", "closed"], var.sign_up)
    error_message = "One of open, closed. A user pool knows no invitations: staff add people to it."
  }
}

variable "guests" {
  description = "Let visitors convert images without an account. Null: where sign_up is open."
  type        = bool
  default     = null
}

variable "guest_jobs_an_hour" {
  description = "Conversions an hour of one guest. 0: no limit."
  type        = number
  default     = 100
}

variable "guest_address_jobs_an_hour" {
  description = "Conversions an hour of all guests at one IP address (IPv6: one /64). 0: no limit."
  type        = number
  default     = 300
}

variable "guest_bytes_kept" {
  description = "Bytes kept for all guests at one IP address. 0: no limit."
  type        = number
  default     = 2000000000
}

variable "guest_retention_hours" {
  description = "Hours after which the site forgets what a guest made. Null: 24, or retention_hours if that is less."
  type        = number
  default     = null

  validation {
    condition     = var.guest_retention_hours == null || try(var.guest_retention_hours > 0 && var.guest_retention_hours <= var.max_retention_hours, false)
    error_message = "More than 0 and at most max_retention_hours: the buckets delete a day after that."
  }
}

variable "deployer_needs_mfa" {
  description = "Let people take the deployer's role only with a second factor. False for IAM Identity Center, whose sessions do not carry that key."
  type        = bool
  default     = true
}

variable "github_provider_arn" {
  description = "ARN of the account's OpenID Connect provider for GitHub, where there is one already: an account takes one. Null: it is made."
  type        = string
  default     = null
}

variable "mail_from" {
  description = "Address that the user pool writes from, through SES, such as images@example.com. Null: Cognito's own mailer, which sends 50 mails a day."
  type        = string
  default     = null

  validation {
    condition     = var.mail_from == null || var.mail_identity_arn != null || try(can(regex("^[^@]+@([^@]+[.])?${replace(var.zone_name, ".", "[.]")}$", var.mail_from)), false)
    error_message = "mail_from must be an address of zone_name, where its proof is written, or needs mail_identity_arn."
  }
}

variable "mail_identity_arn" {
  description = "ARN of an SES identity that is verified already and covers mail_from. Null: the domain is proved in zone_name."
  type        = string
  default     = null
}

variable "github_repository" {
  description = "owner/name of the repository whose main branch may deploy through OpenID Connect. Null: people of this account only."
  type        = string
  default     = null
}

# --- Secrets ---

variable "secrets" {
  description = "Values that reach AWS through write-only arguments and never the state. deploy.py keeps them in one SSM parameter."
  ephemeral   = true
  sensitive   = true

  type = object({
    web_secret_keys        = string           # comma-separated: Django's SECRET_KEY of the web function, then its fallbacks
    worker_secret_key      = string           # another one, so that a broken worker signs nothing for the site
    origin_secrets         = string           # comma-separated, as in var.origin_secrets
    database_password      = string           # aurora mode
    database_url           = optional(string) # external mode
    cloudfront_private_key = optional(string) # the other half of the first of cloudfront_public_keys
  })

  validation {
    condition     = var.database_mode == "aurora" || var.secrets.database_url != null
    error_message = "database_mode = \"external\" needs a database_url."
  }

  validation {
    condition     = length(var.cloudfront_public_keys) == 0 || var.secrets.cloudfront_private_key != null
    error_message = "cloudfront_public_keys needs the cloudfront_private_key of the first."
  }
}

variable "secrets_version" {
  description = "A higher number makes Terraform write the secrets again."
  type        = number
}

variable "origin_secrets" {
  description = "What proves to the API that a request came through CloudFront, which sends the first. Kept in CloudFront, hence in the state."
  type        = list(string)
  sensitive   = true
}

# --- Watching ---

variable "alarm_email" {
  description = "Address that alarms and the budget write to. Null: alarms show on the dashboard only."
  type        = string
  default     = null
}

variable "monthly_budget" {
  description = "US dollars a month above which the budget writes a mail. Null: no budget."
  type        = number
  default     = 50
}

variable "budget_by_tag" {
  description = "Let the budget count only what is tagged project = <project>. Switch the tag on first (Billing, Cost allocation tags): until then nothing is counted."
  type        = bool
  default     = false
}

variable "tracing" {
  description = "Record traces of requests and events with AWS X-Ray (about 5 USD for each million that it samples)."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}
