variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "account_id" {
  description = "The account; ends the buckets' names, which must be unique in all of S3."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket, without slashes at its ends."
  type        = string
}

variable "athena_results_prefix" {
  description = "Where Athena puts results, beside the data; ends in a slash."
  type        = string
}

variable "data_key_arn" {
  description = "Key of the data bucket."
  type        = string
}

variable "operations_key_arn" {
  description = "Key of the compute logs."
  type        = string
}

variable "allow_destroy" {
  description = "Whether `terraform destroy` may delete the buckets and all that is in them."
  type        = bool
}

variable "bronze_infrequent_days" {
  description = "Days until a snapshot moves to STANDARD_IA; S3 wants 30 or more."
  type        = number
  default     = 60
}

variable "bronze_archive_days" {
  description = "Days until a snapshot moves to GLACIER_IR; 30 or more after the first move."
  type        = number
  default     = 180
}

variable "old_version_days" {
  description = "Days in which a deleted or replaced object can be had back."
  type        = number
  default     = 30
}

variable "athena_results_days" {
  description = "Days until a query's result goes."
  type        = number
  default     = 7
}

variable "log_days" {
  description = "Days until logs of access and compute logs go."
  type        = number
  default     = 90
}
