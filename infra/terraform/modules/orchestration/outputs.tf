output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "services" {
  description = "Names of the services."
  value       = local.services
}

# From their names, so that the roles' policies do not wait for services that wait for their roles.
output "service_arns" {
  description = "ARNs of the services."
  value       = [for service in local.services : "arn:aws:ecs:${var.region}:${var.account_id}:service/${var.name}/${service}"]
}

output "run_family" {
  description = "Family of the task definition of runs."
  value       = local.run_family
}

output "task_families" {
  description = "Families of all task definitions."
  value       = [for process in keys(local.processes) : "${var.name}-${process}"]
}

output "repository_url" {
  description = "Where the image is pushed to."
  value       = local.repository_url
}

output "repository_arn" {
  description = "ARN of the image's repository."
  value       = aws_ecr_repository.this.arn
}

output "log_groups" {
  description = "Names of the log groups, by process."
  value       = { for process, group in aws_cloudwatch_log_group.process : process => group.name }
}

output "log_group_arns" {
  description = "ARNs of the log groups, by process."
  value       = { for process, group in aws_cloudwatch_log_group.process : process => group.arn }
}

output "load_balancer" {
  description = "The load balancer, as its metrics are called."
  value       = aws_lb.ui.arn_suffix
}

output "load_balancer_dns_name" {
  description = "What the UI's name must point at."
  value       = aws_lb.ui.dns_name
}

output "user_pool_id" {
  description = "The directory of the people who may open the UI."
  value       = aws_cognito_user_pool.people.id
}
