output "application_id" {
  description = "Id of the application."
  value       = aws_emrserverless_application.this.id
}

output "application_arn" {
  description = "ARN of the application."
  value       = aws_emrserverless_application.this.arn
}

output "log_group" {
  description = "Name of the log group of jobs."
  value       = aws_cloudwatch_log_group.jobs.name
}

output "log_group_arn" {
  description = "ARN of the log group of jobs."
  value       = aws_cloudwatch_log_group.jobs.arn
}
