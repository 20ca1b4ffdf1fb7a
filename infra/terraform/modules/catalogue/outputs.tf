output "databases" {
  description = "Glue database of each layer."
  value       = { for layer, database in aws_glue_catalog_database.layer : layer => database.name }
}

output "iceberg_database" {
  description = "Glue database of the Iceberg tables; null without them."
  value       = var.iceberg ? local.iceberg : null
}

output "workgroup" {
  description = "Name of the workgroup."
  value       = local.workgroup
}

# From its name, so that the policy of analysts does not wait for it.
output "workgroup_arn" {
  description = "ARN of the workgroup."
  value       = "arn:aws:athena:${var.region}:${var.account_id}:workgroup/${local.workgroup}"
}

output "gold_tables" {
  description = "The gold tables, with their columns' names and types."
  value = [
    for table in values(local.tables) : {
      name    = table.name
      columns = [for column in table.columns : { name = column.name, type = column.type }]
    } if table.layer == "gold"
  ]
}
