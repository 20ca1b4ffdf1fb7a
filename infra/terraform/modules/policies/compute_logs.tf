# What runs print, in a bucket of its own: who reads it, and who writes it as well.

locals {
  compute_logs = "${var.compute_logs_bucket_arn}/${var.compute_logs_prefix}/*"
}

data "aws_iam_policy_document" "compute_logs_read" {
  statement {
    sid       = "ListComputeLogs"
    actions   = ["s3:ListBucket"]
    resources = [var.compute_logs_bucket_arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.compute_logs_prefix}/*"]
    }
  }

  statement {
    sid       = "ReadComputeLogs"
    actions   = ["s3:GetObject"]
    resources = [local.compute_logs]
  }

  statement {
    sid       = "DecryptComputeLogs"
    actions   = ["kms:Decrypt"]
    resources = [var.operations_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:s3:arn"
      values   = [var.compute_logs_bucket_arn, local.compute_logs]
    }
  }
}

data "aws_iam_policy_document" "compute_logs_write" {
  source_policy_documents = [data.aws_iam_policy_document.compute_logs_read.json]

  statement {
    sid       = "WriteComputeLogs"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [local.compute_logs]
  }

  statement {
    sid       = "EncryptComputeLogs"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.operations_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:s3:arn"
      values   = [var.compute_logs_bucket_arn, local.compute_logs]
    }
  }
}
