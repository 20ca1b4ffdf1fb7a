variable "name" {
  description = "What all names begin with, and the value of the tag `project`."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket, without slashes at its ends."
  type        = string
  default     = "openlib"
}

variable "protected" {
  description = "Whether buckets, database, images, people's directory and load balancer refuse to be deleted."
  type        = bool
}

variable "cidr" {
  description = "Addresses of the VPC."
  type        = string
}

variable "availability_zones" {
  description = "Zones to stand in."
  type        = list(string)
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone rather than one for all."
  type        = bool
}

variable "interface_endpoints" {
  description = "Services reached inside the VPC rather than through NAT."
  type        = list(string)
}

variable "allowed_cidrs" {
  description = "From where people may open the UI."
  type        = list(string)
}

variable "database" {
  description = "Size of the database, a second instance or not, days of backups."
  type        = object({ instance_class = string, multi_az = bool, backup_days = number })
}

variable "image_tag" {
  description = "Tag of the image that all processes run."
  type        = string
}

variable "architecture" {
  description = "What the image was built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"
}

variable "sizes" {
  description = "CPU (1024 is one) and memory (MiB) of a task of each process."
  type        = map(object({ cpu = number, memory = number }))
}

variable "webservers" {
  description = "How many webservers."
  type        = number
}

variable "contact" {
  description = "E-mail or URL that tells Open Library who asks."
  type        = string
}

variable "settings" {
  description = "Further settings of the project, by the names of their variables."
  type        = map(string)
}

variable "certificate_arn" {
  description = "ACM certificate of the UI's name."
  type        = string
}

variable "ui_host" {
  description = "The UI's name, as people type it."
  type        = string
}

variable "log_days" {
  description = "Days that logs are kept; one of those that CloudWatch has."
  type        = number
}

variable "subjects" {
  description = "Keys of the subjects over which Athena may go without their being named."
  type        = list(string)
}

variable "principals" {
  description = "Who may take on the roles analyst, maintainer and deployer."
  type        = map(list(string))
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of all roles; null for none."
  type        = string
}

variable "masked_columns" {
  description = "Columns of gold that Lake Formation hides from analysts; none leaves Lake Formation off."
  type        = list(string)
  validation {
    condition     = length(var.masked_columns) == 0 || length(lookup(var.principals, "analyst", [])) > 0
    error_message = "Without principals for the role analyst there is nobody to hide columns from."
  }
}

variable "restore_from" {
  description = "Snapshot of a database to begin with; null for an empty one."
  type        = string
}

variable "snowflake" {
  description = "The user and the external id of a Snowflake storage integration; null for none."
  type        = object({ user_arn = string, external_id = string })
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
}

variable "alarm_emails" {
  description = "Who is told of alarms."
  type        = list(string)
}

variable "monthly_budget" {
  description = "US dollars a month."
  type        = number
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
