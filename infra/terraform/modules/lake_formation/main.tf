# Analysts see the gold tables without some columns.

variable "bucket_arn" {
  description = "ARN of the data bucket."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket."
  type        = string
}

variable "gold_database" {
  description = "Glue database of the gold tables."
  type        = string
}

variable "gold_tables" {
  description = "The gold tables, with their columns' names."
  type        = list(object({ name = string, columns = list(object({ name = string })) }))
}

variable "masked_columns" {
  description = "Columns that analysts do not see."
  type        = list(string)
}

variable "analyst_role_arn" {
  description = "The role of analysts."
  type        = string
}

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

variable "data_key_arn" {
  description = "Key of the data bucket."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role; null for none."
  type        = string
}

locals {
  gold = "${var.bucket_arn}/${var.prefix}/gold"
}

# As which Lake Formation reads gold for whom it lets.
resource "aws_iam_role" "reader" {
  name                 = "${var.name}-lake-formation"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lakeformation.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_iam_role_policy" "reader" {
  role   = aws_iam_role.reader.id
  policy = data.aws_iam_policy_document.reader.json
}

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "ListGold"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.prefix}/gold/*"]
    }
  }

  statement {
    sid       = "ReadGold"
    actions   = ["s3:GetObject"]
    resources = ["${local.gold}/*"]
  }

  statement {
    sid       = "DecryptGold"
    actions   = ["kms:Decrypt"]
    resources = [var.data_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_lakeformation_resource" "gold" {
  arn      = local.gold
  role_arn = aws_iam_role.reader.arn
}

resource "aws_lakeformation_permissions" "database" {
  principal   = var.analyst_role_arn
  permissions = ["DESCRIBE"]
  database {
    name = var.gold_database
  }
}

resource "aws_lakeformation_permissions" "columns" {
  for_each    = { for table in var.gold_tables : table.name => table.columns[*].name }
  principal   = var.analyst_role_arn
  permissions = ["SELECT"]
  table_with_columns {
    database_name = var.gold_database
    name          = each.key
    column_names  = [for column in each.value : column if !contains(var.masked_columns, column)]
  }
}
