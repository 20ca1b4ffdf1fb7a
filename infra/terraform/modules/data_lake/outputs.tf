output "data_bucket" {
  description = "Name of the data bucket."
  value       = module.data.name
}

output "data_bucket_arn" {
  description = "ARN of the data bucket."
  value       = module.data.arn
}

output "compute_logs_bucket" {
  description = "Name of the bucket of compute logs."
  value       = module.compute_logs.name
}

output "compute_logs_bucket_arn" {
  description = "ARN of the bucket of compute logs."
  value       = module.compute_logs.arn
}

output "log_bucket" {
  description = "Name of the bucket of access logs."
  value       = module.logs.name
}
