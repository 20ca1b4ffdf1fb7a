output "summary" {
  description = "What one needs to know to use what was made."
  value       = module.platform.summary
}

output "repository_url" {
  description = "Where the image goes; known before there is anything else."
  value       = module.platform.repository_url
}

output "snowflake_sql" {
  description = "What to run in Snowflake; null without a storage integration."
  value       = module.platform.snowflake_sql
}
