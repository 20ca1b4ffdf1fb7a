variable "account_id" {
  description = "The account."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "data_bucket_arn" {
  description = "ARN of the data bucket."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket, without slashes at its ends."
  type        = string
}

variable "athena_results_prefix" {
  description = "Where Athena puts results in the data bucket; ends in a slash."
  type        = string
}

variable "data_key_arn" {
  description = "Key of the data bucket."
  type        = string
}

variable "compute_logs_bucket_arn" {
  description = "ARN of the bucket of what runs print."
  type        = string
}

variable "compute_logs_prefix" {
  description = "Where compute logs lie in their bucket, without slashes at its ends."
  type        = string
}

variable "operations_key_arn" {
  description = "Key of compute logs and of the database's password."
  type        = string
}

variable "queue_arn" {
  description = "ARN of the queue of events."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the ECS cluster."
  type        = string
}

variable "run_family" {
  description = "Family of the task definition of runs."
  type        = string
}

variable "task_families" {
  description = "Families of all task definitions."
  type        = list(string)
}

variable "service_arns" {
  description = "ARNs of the services."
  type        = list(string)
}

variable "run_log_group_arn" {
  description = "ARN of the log group of runs."
  type        = string
}

variable "log_group_arns" {
  description = "ARNs of the log groups of all processes."
  type        = list(string)
}

variable "repository_arn" {
  description = "ARN of the image's repository."
  type        = string
}

variable "database_secret_arn" {
  description = "ARN of the secret that holds the database's password."
  type        = string
}

variable "warehouse_postgres" {
  description = "The secret that holds the URL of a PostgreSQL, and the key that encrypts it if it is not AWS's own; null for none."
  type        = object({ secret_arn = string, key_arn = optional(string) })
  default     = null
}

variable "run_role_arns" {
  description = "The two roles of a run: its own and that by which ECS starts it."
  type        = list(string)
}

variable "task_role_arns" {
  description = "The roles of all task definitions."
  type        = list(string)
}

variable "workgroup_arn" {
  description = "ARN of the Athena workgroup of analysts."
  type        = string
}

variable "gold_database" {
  description = "Glue database of the gold tables."
  type        = string
}

variable "warehouse_database" {
  description = "Glue database of the warehouse."
  type        = string
}

variable "masked" {
  description = "Whether Lake Formation hides columns from analysts."
  type        = bool
  default     = false
}

variable "iceberg_database" {
  description = "Glue database in which runs register Iceberg tables; null for none."
  type        = string
  default     = null
}

variable "emr" {
  description = "The application of EMR Serverless on which runs start jobs, the role of these and their log group; null for none."
  type        = object({ application_arn = string, role_arn = string, log_group_arn = string })
  default     = null
}
