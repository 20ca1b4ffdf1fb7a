variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "account_id" {
  description = "The account that owns the bucket."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "bucket" {
  description = "Name of the data bucket."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket."
  type        = string
}

variable "results_prefix" {
  description = "Where results of queries go, beside the data; ends in a slash."
  type        = string
}

variable "data_key_arn" {
  description = "Key of the results."
  type        = string
}

variable "subjects" {
  description = "Keys of the subjects, `place:france`. Without any, each query must name its subject; with them, it may go over all of these."
  type        = list(string)
  default     = []
}

variable "most_bytes_scanned" {
  description = "Bytes after which a query is stopped; 10 MB or more."
  type        = number
  default     = 10000000000
  validation {
    condition     = var.most_bytes_scanned >= 10485760
    error_message = "Athena wants 10 MB or more."
  }
}

variable "table_owner" {
  description = "Who has all rights on the tables in Lake Formation; IAM_ALLOWED_PRINCIPALS leaves it to IAM who sees them."
  type        = string
  default     = "IAM_ALLOWED_PRINCIPALS"
}

variable "allow_destroy" {
  description = "Whether the workgroup goes even if it has saved queries."
  type        = bool
}

variable "iceberg" {
  description = "Whether there is a database for Iceberg tables."
  type        = bool
  default     = false
}
