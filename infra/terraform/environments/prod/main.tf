# In two zones, each of which can do without the other; nothing that holds data can be deleted by mistake.

locals {
  name = "openlib-prod"
}

module "platform" {
  source              = "../../modules/platform"
  name                = local.name
  account_id          = var.account_id
  region              = var.region
  availability_zones  = coalesce(var.availability_zones, ["${var.region}a", "${var.region}b"])
  cidr                = "10.81.0.0/16"
  protected           = true
  nat_per_zone        = true
  interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs", "kms", "ecs", "sts"]
  database            = { instance_class = "db.t4g.small", multi_az = true, backup_days = 14 }
  webservers          = 2
  log_days            = 90
  sizes = {
    webserver     = { cpu = 512, memory = 1024 }
    daemon        = { cpu = 512, memory = 1024 }
    code-location = { cpu = 512, memory = 2048 }
    run           = { cpu = 2048, memory = 8192 }
  }

  image_tag                = var.image_tag
  architecture             = var.architecture
  contact                  = var.contact
  settings                 = var.settings
  ui_host                  = var.ui_host
  certificate_arn          = var.certificate_arn
  allowed_cidrs            = var.allowed_cidrs
  alarm_emails             = var.alarm_emails
  monthly_budget           = var.monthly_budget
  subjects                 = var.subjects
  principals               = var.principals
  permissions_boundary_arn = var.permissions_boundary_arn
  masked_columns           = var.masked_columns
  restore_from             = var.restore_from
  snowflake                = var.snowflake
  warehouse_postgres       = var.warehouse_postgres
  iceberg                  = var.iceberg
  emr                      = var.emr
}
