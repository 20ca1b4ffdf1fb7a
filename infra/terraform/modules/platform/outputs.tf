output "summary" {
  description = "What one needs to know to use what was made."
  value = {
    ui                  = "https://${var.ui_host}"
    ui_points_at        = module.orchestration.load_balancer_dns_name
    user_pool           = module.orchestration.user_pool_id
    storage             = "s3://${module.data_lake.data_bucket}/${var.prefix}"
    data_bucket         = module.data_lake.data_bucket
    compute_logs_bucket = module.data_lake.compute_logs_bucket
    log_bucket          = module.data_lake.log_bucket
    queue_url           = module.events.queue_url
    repository          = module.orchestration.repository_url
    cluster             = module.orchestration.cluster_name
    run_family          = module.orchestration.run_family
    run_subnets         = module.network.private_subnet_ids
    run_security_group  = module.network.security_group_ids["daemon"]
    log_groups          = module.orchestration.log_groups
    roles               = module.roles.arns
    athena_workgroup    = module.catalogue.workgroup
    glue_databases      = module.catalogue.databases
    alarms_topic        = module.alarms.topic_arn
    addresses           = module.network.nat_addresses
  }
}

output "repository_url" {
  description = "Where the image goes; known before there is anything else."
  value       = module.orchestration.repository_url
}

output "snowflake_sql" {
  description = "What to run in Snowflake; null without a storage integration."
  value       = one(module.snowflake[*].sql)
}
