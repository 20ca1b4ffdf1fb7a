# Who may speak to whom. Runs are in the group of the daemon, since EcsRunLauncher gives them its network.

locals {
  groups = {
    load_balancer = "The UI's load balancer"
    webserver     = "Dagster's webserver"
    daemon        = "Dagster's daemon, and runs"
    code_location = "The code location"
    database      = "Dagster's instance"
    endpoints     = "Endpoints of AWS's services"
  }
  # from -> to: port
  openings = {
    "load_balancer -> webserver" = 3000
    "webserver -> code_location" = 4000
    "daemon -> code_location"    = 4000
    "webserver -> database"      = 5432
    "daemon -> database"         = 5432
    "code_location -> database"  = 5432
  }
  pairs = { for pair, port in local.openings : pair => { from = split(" -> ", pair)[0], to = split(" -> ", pair)[1], port = port } }
  # The load balancer asks Cognito, the tasks AWS and Open Library. These have no addresses that a rule could name.
  callers = toset(["load_balancer", "webserver", "daemon", "code_location"])
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:attached by the modules that get the groups' ids
  for_each    = local.groups
  name        = "${var.name}-${replace(each.key, "_", "-")}"
  description = each.value
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "people" {
  for_each          = toset(var.allowed_cidrs)
  security_group_id = aws_security_group.this["load_balancer"].id
  description       = "People"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "pair" {
  for_each                     = local.pairs
  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = "From ${each.value.from}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "pair" {
  for_each                     = local.pairs
  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = "To ${each.value.to}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "https" {
  for_each          = local.callers
  security_group_id = aws_security_group.this[each.value].id
  description       = "HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "warehouse_postgres" {
  count             = var.warehouse_postgres == null ? 0 : 1
  security_group_id = aws_security_group.this["daemon"].id
  description       = "PostgreSQL that runs load the warehouse into"
  cidr_ipv4         = var.warehouse_postgres.cidr
  ip_protocol       = "tcp"
  from_port         = var.warehouse_postgres.port
  to_port           = var.warehouse_postgres.port
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each                     = local.callers
  security_group_id            = aws_security_group.this["endpoints"].id
  referenced_security_group_id = aws_security_group.this[each.value].id
  description                  = "From ${each.value}"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}
