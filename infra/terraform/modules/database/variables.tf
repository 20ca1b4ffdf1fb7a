variable "name" {
  description = "Name of the instance."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, in two zones or more."
  type        = list(string)
}

variable "security_group_id" {
  description = "The security group that lets in the tasks."
  type        = string
}

variable "operations_key_arn" {
  description = "Key of storage, password, logs and performance data."
  type        = string
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
}

variable "multi_az" {
  description = "Whether a second instance in another zone takes over within minutes."
  type        = bool
}

variable "backup_days" {
  description = "Days for which any second can be restored; 1 to 35."
  type        = number
  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "1 to 35 days."
  }
}

variable "deletion_protection" {
  description = "Whether the instance refuses to be deleted; without it, it also goes without a last snapshot."
  type        = bool
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "restore_from" {
  description = "Snapshot to begin with; null for an empty database."
  type        = string
  default     = null
}

variable "rotation_schedule" {
  description = "When the password changes: a cron expression of Secrets Manager; the change takes place within the hour."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role; null for none."
  type        = string
}
