variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC; a /16 gives 4096 addresses to each private subnet."
  type        = string
}

variable "availability_zones" {
  description = "Zones with a private subnet: two or more."
  type        = list(string)
  validation {
    condition     = length(var.availability_zones) >= 2
    error_message = "The load balancer and the database need two zones or more."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, so that one zone's failure stops no other; otherwise one for all."
  type        = bool
}

variable "interface_endpoints" {
  description = "Services reached inside the VPC rather than through NAT; each costs money per hour and zone."
  type        = list(string)
  validation {
    condition = length(setsubtract(var.interface_endpoints,
    ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs", "kms", "ecs", "ec2", "sts"])) == 0
    error_message = "One of: ecr.api, ecr.dkr, logs, secretsmanager, sqs, kms, ecs, ec2, sts."
  }
}

variable "allowed_cidrs" {
  description = "From where people may open the UI: addresses of the company's network."
  type        = list(string)
  validation {
    condition     = !contains(var.allowed_cidrs, "0.0.0.0/0")
    error_message = "The UI is not for the whole internet."
  }
}

variable "operations_key_arn" {
  description = "Key of the flow logs."
  type        = string
}

variable "log_days" {
  description = "Days that flow logs are kept."
  type        = number
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role; null for none."
  type        = string
}

variable "warehouse_postgres" {
  description = "Addresses and port of a PostgreSQL that runs load the warehouse into; null for none."
  type        = object({ cidr = string, port = number })
  default     = null
}
