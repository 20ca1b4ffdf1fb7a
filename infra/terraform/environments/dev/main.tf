# Small, in two zones behind one NAT gateway, and easily thrown away.

locals {
  name = "openlib-dev"
}

module "platform" {
  source              = "../../modules/platform"
  name                = local.name
  account_id          = var.account_id
  region              = var.region
  availability_zones  = coalesce(var.availability_zones, ["${var.region}a", "${var.region}b"])
  cidr                = "10.80.0.0/16"
  protected           = false
  nat_per_zone        = false
  interface_endpoints = []
  database            = { instance_class = "db.t4g.micro", multi_az = false, backup_days = 3 }
  webservers          = 1
  log_days            = 30
  sizes = {
    webserver     = { cpu = 256, memory = 1024 }
    daemon        = { cpu = 256, memory = 1024 }
    code-location = { cpu = 512, memory = 2048 }
    run           = { cpu = 1024, memory = 4096 }
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
