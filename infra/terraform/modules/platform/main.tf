# All of it, put together once for all environments.

locals {
  athena_results_prefix = "athena-results/"
  compute_logs_prefix   = "dagster-logs"
  # The password changes in the hour from then on, and afterwards the services start again, while few runs go on.
  rotation_schedule = "cron(0 4 15 * ? *)"
  restart_schedule  = "cron(15 5 15 * ? *)"
}

# Two keys, so that a right on logs and passwords is none on data.
module "data_key" {
  source      = "../encryption_key"
  name        = "${var.name}-data"
  description = "Open Library data and results of queries"
  account_id  = var.account_id
}

module "operations_key" {
  source           = "../encryption_key"
  name             = "${var.name}-operations"
  description      = "Logs, the database and its password, images, alarms"
  account_id       = var.account_id
  service_policies = [data.aws_iam_policy_document.services_use_operations_key.json]
}

data "aws_iam_policy_document" "services_use_operations_key" {
  #checkov:skip=CKV_AWS_111:in the policy of a key, `*` is that key
  #checkov:skip=CKV_AWS_356:in the policy of a key, `*` is that key
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
  statement {
    sid       = "LogGroups"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values = [
        for group in ["/${var.name}/*", "/aws/rds/instance/${var.name}/*", "/aws/ecs/containerinsights/${var.name}/*"] :
        "arn:aws:logs:${var.region}:${var.account_id}:log-group:${group}"
      ]
    }
  }

  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

module "data_lake" {
  source                = "../data_lake"
  name                  = var.name
  account_id            = var.account_id
  prefix                = var.prefix
  athena_results_prefix = local.athena_results_prefix
  data_key_arn          = module.data_key.arn
  operations_key_arn    = module.operations_key.arn
  log_days              = var.log_days
  allow_destroy         = !var.protected
}

module "events" {
  source     = "../events"
  name       = var.name
  account_id = var.account_id
  bucket     = module.data_lake.data_bucket
  prefix     = var.prefix
}

module "network" {
  source                   = "../network"
  name                     = var.name
  account_id               = var.account_id
  region                   = var.region
  cidr                     = var.cidr
  availability_zones       = var.availability_zones
  nat_per_zone             = var.nat_per_zone
  interface_endpoints      = var.interface_endpoints
  allowed_cidrs            = var.allowed_cidrs
  operations_key_arn       = module.operations_key.arn
  log_days                 = var.log_days
  permissions_boundary_arn = var.permissions_boundary_arn
  warehouse_postgres       = var.warehouse_postgres
}

module "database" {
  source                   = "../database"
  name                     = var.name
  account_id               = var.account_id
  subnet_ids               = module.network.private_subnet_ids
  security_group_id        = module.network.security_group_ids["database"]
  operations_key_arn       = module.operations_key.arn
  instance_class           = var.database.instance_class
  multi_az                 = var.database.multi_az
  backup_days              = var.database.backup_days
  deletion_protection      = var.protected
  log_days                 = var.log_days
  restore_from             = var.restore_from
  rotation_schedule        = local.rotation_schedule
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "orchestration" {
  source              = "../orchestration"
  name                = var.name
  account_id          = var.account_id
  region              = var.region
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  security_group_ids  = module.network.security_group_ids
  role_arns           = module.roles.arns
  operations_key_arn  = module.operations_key.arn
  data_key_arn        = module.data_key.arn
  data_bucket         = module.data_lake.data_bucket
  prefix              = var.prefix
  compute_logs_bucket = module.data_lake.compute_logs_bucket
  compute_logs_prefix = local.compute_logs_prefix
  log_bucket          = module.data_lake.log_bucket
  queue_url           = module.events.queue_url
  database_connection = module.database.connection
  database_secret_arn = module.database.secret_arn
  image_tag           = var.image_tag
  architecture        = var.architecture
  sizes               = var.sizes
  webservers          = var.webservers
  contact             = var.contact
  settings            = var.settings
  warehouse_postgres  = var.warehouse_postgres
  iceberg_database    = module.catalogue.iceberg_database
  emr                 = local.emr
  certificate_arn     = var.certificate_arn
  ui_host             = var.ui_host
  log_days            = var.log_days
  restart_schedule    = local.restart_schedule
  deletion_protection = var.protected
  allow_destroy       = !var.protected
}

module "catalogue" {
  source         = "../catalogue"
  name           = var.name
  account_id     = var.account_id
  region         = var.region
  bucket         = module.data_lake.data_bucket
  prefix         = var.prefix
  results_prefix = local.athena_results_prefix
  data_key_arn   = module.data_key.arn
  subjects       = var.subjects
  table_owner    = local.masked ? module.roles.arns["pipeline"] : "IAM_ALLOWED_PRINCIPALS"
  iceberg        = var.iceberg
  allow_destroy  = !var.protected
}

module "policies" {
  source                  = "../policies"
  account_id              = var.account_id
  region                  = var.region
  data_bucket_arn         = module.data_lake.data_bucket_arn
  prefix                  = var.prefix
  athena_results_prefix   = local.athena_results_prefix
  data_key_arn            = module.data_key.arn
  compute_logs_bucket_arn = module.data_lake.compute_logs_bucket_arn
  compute_logs_prefix     = local.compute_logs_prefix
  operations_key_arn      = module.operations_key.arn
  queue_arn               = module.events.queue_arn
  cluster_arn             = module.orchestration.cluster_arn
  run_family              = module.orchestration.run_family
  task_families           = module.orchestration.task_families
  service_arns            = module.orchestration.service_arns
  run_log_group_arn       = module.orchestration.log_group_arns["run"]
  log_group_arns          = values(module.orchestration.log_group_arns)
  repository_arn          = module.orchestration.repository_arn
  database_secret_arn     = module.database.secret_arn
  warehouse_postgres      = var.warehouse_postgres
  run_role_arns           = [for role in ["pipeline", "execution"] : module.roles.arns[role]]
  task_role_arns          = [for role in ["pipeline", "daemon", "webserver", "execution"] : module.roles.arns[role]]
  workgroup_arn           = module.catalogue.workgroup_arn
  gold_database           = module.catalogue.databases["gold"]
  warehouse_database      = module.catalogue.databases["warehouse"]
  iceberg_database        = module.catalogue.iceberg_database
  masked                  = local.masked
  emr                     = local.emr
}

module "roles" {
  source                   = "../roles"
  name                     = var.name
  account_id               = var.account_id
  region                   = var.region
  policies                 = module.policies.policies
  principals               = var.principals
  permissions_boundary_arn = var.permissions_boundary_arn
  emr_jobs                 = var.emr != null
}

module "alarms" {
  source                  = "../alarms"
  name                    = var.name
  account_id              = var.account_id
  emails                  = var.alarm_emails
  operations_key_arn      = module.operations_key.arn
  code_location_log_group = module.orchestration.log_groups["code-location"]
  queue_name              = module.events.queue_name
  dead_letter_queue_name  = module.events.dead_letter_queue_name
  cluster_name            = module.orchestration.cluster_name
  services                = module.orchestration.services
  database_identifier     = module.database.identifier
  load_balancer           = module.orchestration.load_balancer
  monthly_budget          = var.monthly_budget
}

module "emr" {
  source             = "../emr"
  count              = var.emr == null ? 0 : 1
  name               = var.name
  release_label      = var.emr.release_label
  executors          = var.emr.executors
  operations_key_arn = module.operations_key.arn
  log_days           = var.log_days
}

locals {
  emr = var.emr == null ? null : {
    application_id  = module.emr[0].application_id
    application_arn = module.emr[0].application_arn
    role_arn        = module.roles.arns["emr-job"]
    log_group       = module.emr[0].log_group
    log_group_arn   = module.emr[0].log_group_arn
  }
}

locals {
  masked = length(var.masked_columns) > 0
}

module "lake_formation" {
  source                   = "../lake_formation"
  count                    = local.masked ? 1 : 0
  name                     = var.name
  account_id               = var.account_id
  region                   = var.region
  bucket_arn               = module.data_lake.data_bucket_arn
  prefix                   = var.prefix
  data_key_arn             = module.data_key.arn
  gold_database            = module.catalogue.databases["gold"]
  gold_tables              = module.catalogue.gold_tables
  masked_columns           = var.masked_columns
  analyst_role_arn         = module.roles.arns["analyst"]
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "snowflake" {
  source                   = "../snowflake"
  count                    = var.snowflake == null ? 0 : 1
  name                     = var.name
  region                   = var.region
  bucket                   = module.data_lake.data_bucket
  bucket_arn               = module.data_lake.data_bucket_arn
  prefix                   = var.prefix
  data_key_arn             = module.data_key.arn
  user_arn                 = var.snowflake.user_arn
  external_id              = var.snowflake.external_id
  tables                   = module.catalogue.gold_tables
  permissions_boundary_arn = var.permissions_boundary_arn
}
