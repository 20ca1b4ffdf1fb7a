variable "name" {
  description = "What all names begin with; the load balancer allows 32 letters, its target group ten more."
  type        = string
  validation {
    condition     = length(var.name) <= 22
    error_message = "22 letters at most."
  }
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "The private subnets."
  type        = list(string)
}

variable "security_group_ids" {
  description = "The security groups, by who is in them."
  type        = map(string)
}

variable "role_arns" {
  description = "ARNs of the roles, by role."
  type        = map(string)
}

variable "operations_key_arn" {
  description = "Key of logs and images."
  type        = string
}

variable "data_key_arn" {
  description = "Key of the data bucket."
  type        = string
}

variable "data_bucket" {
  description = "Name of the data bucket."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket."
  type        = string
}

variable "compute_logs_bucket" {
  description = "Name of the bucket of what runs print."
  type        = string
}

variable "compute_logs_prefix" {
  description = "Where compute logs lie in their bucket."
  type        = string
}

variable "log_bucket" {
  description = "Name of the bucket of access logs."
  type        = string
}

variable "queue_url" {
  description = "URL of the queue of events."
  type        = string
}

variable "database_connection" {
  description = "libpq's variables, but for the password."
  type        = map(string)
}

variable "database_secret_arn" {
  description = "The secret that holds the password, under the JSON key `password`."
  type        = string
}

variable "image_tag" {
  description = "Tag of the image that all processes run."
  type        = string
}

variable "architecture" {
  description = "What the image was built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"
  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "X86_64 or ARM64."
  }
}

variable "sizes" {
  description = "CPU (1024 is one) and memory (MiB) of a task of each process, in the pairs that Fargate has."
  type        = map(object({ cpu = number, memory = number }))
}

variable "run_storage_gib" {
  description = "Disk of a run, GiB; 21 to 200."
  type        = number
  default     = 30
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

variable "warehouse_postgres" {
  description = "PostgreSQL into which the warehouse is loaded, too: the secret that holds its URL under the JSON key `url`, and the schema; null for none."
  type        = object({ secret_arn = string, schema = string })
  default     = null
}

variable "certificate_arn" {
  description = "ACM certificate of the UI's name."
  type        = string
}

variable "ui_host" {
  description = "The UI's name, as people type it; points at the load balancer."
  type        = string
}

variable "log_days" {
  description = "Days that logs are kept; one of those that CloudWatch has."
  type        = number
}

variable "restart_schedule" {
  description = "When the services start again: a cron expression of the scheduler, after the password has changed."
  type        = string
}

variable "deletion_protection" {
  description = "Whether the load balancer and the people's directory refuse to be deleted."
  type        = bool
}

variable "allow_destroy" {
  description = "Whether the repository goes even if it holds images."
  type        = bool
}

variable "iceberg_database" {
  description = "Glue database in which runs register Iceberg tables; null for none."
  type        = string
  default     = null
}

variable "emr" {
  description = "The application of EMR Serverless on which the tables of dumps are made, the role of its jobs and their log group; null for none."
  type        = object({ application_id = string, role_arn = string, log_group = string })
  default     = null
}
