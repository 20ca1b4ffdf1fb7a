# Gold for Snowflake: the role that a storage integration takes on, and the SQL to run there.
#
# Snowflake's objects are made by that SQL, not by Terraform: no provider of Snowflake is used here.

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "bucket" {
  description = "Name of the data bucket."
  type        = string
}

variable "bucket_arn" {
  description = "ARN of the data bucket."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket."
  type        = string
}

variable "data_key_arn" {
  description = "Key of the data bucket."
  type        = string
}

variable "user_arn" {
  description = "STORAGE_AWS_IAM_USER_ARN of the integration, by DESC INTEGRATION."
  type        = string
  validation {
    condition     = can(regex("^arn:aws:iam::\\d{12}:user/", var.user_arn))
    error_message = "The ARN of a user."
  }
}

variable "external_id" {
  description = "STORAGE_AWS_EXTERNAL_ID of the integration, by DESC INTEGRATION."
  type        = string
  validation {
    condition     = length(var.external_id) >= 8
    error_message = "Eight letters or more: it keeps other customers of Snowflake from this role."
  }
}

variable "tables" {
  description = "The gold tables: name, and the columns' names and types in Glue's terms."
  type = list(object({
    name    = string
    columns = list(object({ name = string, type = string }))
  }))
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role; null for none."
  type        = string
}

locals {
  types = {
    string          = "TEXT"
    bigint          = "NUMBER(19, 0)"
    double          = "FLOAT"
    boolean         = "BOOLEAN"
    timestamp       = "TIMESTAMP_NTZ"
    "array<string>" = "ARRAY"
  }
}

resource "aws_iam_role" "snowflake" {
  name                 = "${var.name}-snowflake"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.user_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

resource "aws_iam_role_policy" "gold" {
  role   = aws_iam_role.snowflake.id
  policy = data.aws_iam_policy_document.gold.json
}

data "aws_iam_policy_document" "gold" {
  statement {
    sid       = "FindBucket"
    actions   = ["s3:GetBucketLocation"]
    resources = [var.bucket_arn]
  }

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
    resources = ["${var.bucket_arn}/${var.prefix}/gold/*"]
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

output "sql" {
  description = "What to run in Snowflake, as ACCOUNTADMIN."
  value = templatefile("${path.module}/snowflake.sql.tftpl", {
    role_arn    = aws_iam_role.snowflake.arn
    external_id = var.external_id
    gold        = "s3://${var.bucket}/${var.prefix}/gold/"
    tables      = var.tables
    types       = local.types
  })
}
