variable "name" {
  description = "Name of the bucket, unique in all of S3."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of all its objects; null for SSE-S3, which S3 and ALB want where they write logs."
  type        = string
  default     = null
}

variable "policies" {
  description = "Further statements of the bucket's policy, as JSON documents."
  type        = list(string)
  default     = []
}

variable "allow_destroy" {
  description = "Whether `terraform destroy` may delete the bucket and all that is in it."
  type        = bool
}
