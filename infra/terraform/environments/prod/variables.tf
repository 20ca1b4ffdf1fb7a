variable "account_id" {
  description = "The account to work in; any other is refused."
  type        = string
  validation {
    condition     = can(regex("^\\d{12}$", var.account_id))
    error_message = "Twelve digits."
  }
}

variable "region" {
  description = "The region to work in."
  type        = string
  default     = "us-east-1"
}

variable "availability_zones" {
  description = "Zones to stand in, two or more; by default those with the first letters."
  type        = list(string)
  default     = null
}

variable "image_tag" {
  description = "Tag of the image that all processes run: a release or a commit, never `latest`."
  type        = string
  validation {
    condition     = var.image_tag != "" && var.image_tag != "latest"
    error_message = "A release or a commit; `latest` does not say what runs."
  }
}

variable "architecture" {
  description = "What the image was built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"
}

variable "contact" {
  description = "E-mail or URL that tells Open Library who asks: ASCII, without spaces or parentheses."
  type        = string
  validation {
    condition     = can(regex("^[!-'*-~]+$", var.contact))
    error_message = "ASCII, without spaces or parentheses."
  }
}

variable "settings" {
  description = "Further settings of the project, by the names of their variables, such as OPENLIB_STORE_CATALOGUE; no secrets."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^OPENLIB_[A-Z_]+$", name))])
    error_message = "Names of settings begin with OPENLIB_."
  }
}

variable "ui_host" {
  description = "The UI's name, as people type it. Let it point at the output `ui_points_at`."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", var.ui_host))
    error_message = "A host name in small letters."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of that name, in the region."
  type        = string
  validation {
    condition     = can(regex("^arn:aws:acm:", var.certificate_arn))
    error_message = "The ARN of an ACM certificate."
  }
}

variable "allowed_cidrs" {
  description = "From where people may open the UI: addresses that reach the VPC by VPN, peering or a transit gateway."
  type        = list(string)
  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Blocks of addresses: 10.20.0.0/16."
  }
}

variable "alarm_emails" {
  description = "Who is told of alarms; each address must confirm."
  type        = list(string)
}

variable "monthly_budget" {
  description = "US dollars a month, at 80 % of which somebody is told."
  type        = number
}

variable "subjects" {
  description = "Keys of subjects, `place:france`: Athena may then go over all of these. Without any, each query names its subject."
  type        = list(string)
  default     = []
}

variable "principals" {
  description = "Who may take on the roles `analyst`, `maintainer` (both with MFA only) and `deployer`: ARNs of roles or users."
  type        = map(list(string))
  default     = {}
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of all roles that are made; null for none."
  type        = string
  default     = null
}

variable "masked_columns" {
  description = "Columns of gold that Lake Formation hides from analysts, as `[\"author_name\", \"author_names\"]`; none leaves Lake Formation off."
  type        = list(string)
  default     = []
}

variable "restore_from" {
  description = "Snapshot of a database to begin with; looked at only when the database is made."
  type        = string
  default     = null
}

variable "snowflake" {
  description = "STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID of a Snowflake storage integration; null for none."
  type        = object({ user_arn = string, external_id = string })
  default     = null
}

variable "warehouse_postgres" {
  description = "PostgreSQL into which the warehouse is loaded, too: the secret that holds its URL under the JSON key `url`, the key that encrypts this if it is not AWS's own, the addresses and the port of the server, the schema; null for none."
  type = object({
    secret_arn = string
    key_arn    = optional(string)
    cidr       = string
    port       = optional(number, 5432)
    schema     = optional(string, "openlib")
  })
  default = null
  validation {
    condition     = var.warehouse_postgres == null || can(cidrhost(var.warehouse_postgres.cidr, 0))
    error_message = "A block of addresses: 10.30.0.0/24."
  }
}

variable "iceberg" {
  description = "Whether runs register warehouse and dumps as Iceberg tables, in a Glue database of their own."
  type        = bool
  default     = false
}

variable "emr" {
  description = "An application of EMR Serverless on which the tables of dumps are made: its release, and how many executors of 4 cores there are at most; null for none."
  type = object({
    release_label = optional(string, "emr-spark-8.0.0")
    executors     = optional(number, 8)
  })
  default = null
}
