# The data bucket, the queue of events, and compute logs: runs, and the code location, which evaluates the sensors.

locals {
  # What a run makes again from bronze, or holds for a while, and the lines of dumps, which archive.org keeps. The rest of
  # bronze is what nothing can bring back.
  deletable = concat(
    ["_staging", "_locks", "silver", "gold", "serving", "exports", "reports", "warehouse", "dumps", "bronze/dump_*"],
    var.iceberg_database == null ? [] : ["iceberg"],
  )
}

# Of whoever reads or writes objects of the data bucket.
data "aws_iam_policy_document" "data_key" {
  statement {
    sid       = "UseDataKeyForDataOnly"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.data_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:s3:arn"
      values   = [var.data_bucket_arn, "${local.objects}/*"]
    }
  }
}

data "aws_iam_policy_document" "pipeline" {
  source_policy_documents = [
    data.aws_iam_policy_document.data_key.json,
    data.aws_iam_policy_document.compute_logs_write.json,
    data.aws_iam_policy_document.task_definitions_read.json,
  ]

  statement {
    sid       = "ListData"
    actions   = ["s3:ListBucket"]
    resources = [var.data_bucket_arn]
  }

  statement {
    sid       = "ReadAndWriteData"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
    resources = ["${local.objects}/*"]
  }

  statement {
    sid       = "DeleteAllButBronze"
    actions   = ["s3:DeleteObject"]
    resources = [for folder in local.deletable : "${local.objects}/${folder}/*"]
  }

  # Tables are made, changed and made anew in this one database, which Terraform makes.
  dynamic "statement" {
    for_each = var.iceberg_database == null ? [] : [var.iceberg_database]
    content {
      sid = "RegisterIcebergTables"
      actions = [
        "glue:GetDatabase",
        "glue:UpdateDatabase",
        "glue:GetTable",
        "glue:GetTables",
        "glue:CreateTable",
        "glue:UpdateTable",
        "glue:DeleteTable",
      ]
      resources = [
        "${local.glue}:catalog",
        "${local.glue}:database/${statement.value}",
        "${local.glue}:table/${statement.value}/*",
      ]
    }
  }

  statement {
    sid = "TakeEvents"
    actions = [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
      "sqs:GetQueueAttributes",
    ]
    resources = [var.queue_arn]
  }
}
