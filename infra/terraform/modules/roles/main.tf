# The roles, who may take them on, and the policies of modules/policies attached.

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

variable "policies" {
  description = "The policy of each role, as JSON."
  type        = map(string)
}

variable "principals" {
  description = "Who may take on the roles of people and of delivery: ARNs of roles or users, by role. None, no role."
  type        = map(list(string))
  validation {
    condition     = length(setsubtract(keys(var.principals), ["analyst", "maintainer", "deployer"])) == 0
    error_message = "One of: analyst, maintainer, deployer."
  }
  validation {
    condition     = alltrue([for arn in flatten(values(var.principals)) : can(regex("^arn:aws:iam::\\d{12}:(role|user)/", arn))])
    error_message = "ARNs of roles or users, no whole account."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of all roles; null for none."
  type        = string
}

variable "emr_jobs" {
  description = "Whether there is a role of jobs on EMR Serverless."
  type        = bool
  default     = false
}

locals {
  tasks = ["pipeline", "daemon", "webserver", "execution"]
  # Delivery is a machine and has no second factor; its trust should name just the role of the delivery system.
  people  = { for role in ["analyst", "maintainer"] : role => var.principals[role] if length(lookup(var.principals, role, [])) > 0 }
  machine = { for role in ["deployer"] : role => var.principals[role] if length(lookup(var.principals, role, [])) > 0 }

  trusts = merge(
    { for role in local.tasks : role => data.aws_iam_policy_document.tasks.json },
    { restarter = data.aws_iam_policy_document.scheduler.json },
    { for role in ["emr-job"] : role => data.aws_iam_policy_document.emr_jobs.json if var.emr_jobs },
    { for role in keys(local.people) : role => data.aws_iam_policy_document.people[role].json },
    { for role in keys(local.machine) : role => data.aws_iam_policy_document.machine[role].json },
  )
}

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:ecs:${var.region}:${var.account_id}:*"]
    }
  }
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "emr_jobs" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["emr-serverless.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:emr-serverless:${var.region}:${var.account_id}:/applications/*"]
    }
  }
}

data "aws_iam_policy_document" "people" {
  for_each = local.people
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = each.value
    }
    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
  }
}

data "aws_iam_policy_document" "machine" {
  for_each = local.machine
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = each.value
    }
  }
}

resource "aws_iam_role" "this" {
  for_each             = local.trusts
  name                 = "${var.name}-${each.key}"
  assume_role_policy   = each.value
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "this" {
  for_each = aws_iam_role.this
  name     = each.key
  role     = each.value.id
  policy   = var.policies[each.key]
}

output "arns" {
  description = "ARNs of the roles there are, by role."
  value       = { for role, it in aws_iam_role.this : role => it.arn }
}
