variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "release_label" {
  description = "Release of EMR; one with Spark 4."
  type        = string
  validation {
    condition     = can(regex("^emr-spark-", var.release_label))
    error_message = "Spark 4 comes with the releases whose names begin with emr-spark-."
  }
}

variable "executors" {
  description = "How many executors there are at most, of 4 cores each, beside the driver."
  type        = number
  validation {
    condition     = var.executors >= 1
    error_message = "One or more."
  }
}

variable "operations_key_arn" {
  description = "Key of the logs."
  type        = string
}

variable "log_days" {
  description = "Days that logs are kept; one of those that CloudWatch has."
  type        = number
}
