output "summary" {
  description = "What one needs to know to use what was made."
  value       = module.platform.summary
}

output "snowflake_sql" {
  description = "What to run in Snowflake; null without a storage integration."
  value       = module.platform.snowflake_sql
}
