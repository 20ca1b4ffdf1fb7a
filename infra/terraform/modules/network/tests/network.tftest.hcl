mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name                     = "openlib-test"
  account_id               = "123456789012"
  region                   = "us-east-1"
  cidr                     = "10.80.0.0/16"
  availability_zones       = ["us-east-1a", "us-east-1b", "us-east-1c"]
  nat_per_zone             = false
  interface_endpoints      = ["sqs"]
  allowed_cidrs            = ["10.20.0.0/16"]
  operations_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/operations"
  log_days                 = 30
  permissions_boundary_arn = null
}

run "one_nat_gateway_for_all" {
  command = plan
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_subnet.public) == 1 && length(aws_subnet.private) == 3
    error_message = "Not one gateway for three zones."
  }
}

run "one_nat_gateway_a_zone" {
  command = plan
  variables {
    nat_per_zone = true
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.to_nat) == 3
    error_message = "A zone has no gateway of its own."
  }
}

run "who_may_speak_to_whom" {
  command = plan
  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default security group is open."
  }
  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.pair : rule.from_port]) == toset([3000, 4000, 5432])
    error_message = "Another port is open."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.pair : rule.from_port == rule.to_port && rule.cidr_ipv4 == null])
    error_message = "A port is open to addresses rather than to a group."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.https : rule.from_port == 443 && rule.to_port == 443])
    error_message = "A task reaches the internet on another port than 443."
  }
  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.https)) == toset(["load_balancer", "webserver", "daemon", "code_location"])
    error_message = "The database reaches the internet."
  }
}

run "not_for_the_whole_internet" {
  command = plan
  variables {
    allowed_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.allowed_cidrs]
}

run "runs_reach_a_database_outside_where_there_is_one" {
  command = plan
  variables {
    warehouse_postgres = { cidr = "10.30.0.0/24", port = 5433 }
  }
  assert {
    condition = [for rule in aws_vpc_security_group_egress_rule.warehouse_postgres : [rule.cidr_ipv4, rule.from_port, rule.to_port]] == [
      ["10.30.0.0/24", 5433, 5433]
    ]
    error_message = "Runs do not reach the database, or more than that."
  }
}

run "nor_does_anybody_where_there_is_none" {
  command = plan
  assert {
    condition     = length(aws_vpc_security_group_egress_rule.warehouse_postgres) == 0
    error_message = "A port is open for nothing."
  }
}
