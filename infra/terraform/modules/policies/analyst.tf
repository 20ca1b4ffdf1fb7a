# Reads what is made for people, and asks questions of gold in one workgroup. With masking, columns are Lake Formation's
# business: then it reads no file, since the files of gold, the CSV files and the reports hold all columns.

locals {
  athena_results = "${var.data_bucket_arn}/${var.athena_results_prefix}*"
  glue           = "arn:aws:glue:${var.region}:${var.account_id}"

  # What analysts get: no record as received, and no table that is not yet in its final form.
  readable = ["gold", "serving", "exports", "reports", "warehouse"]
}

data "aws_iam_policy_document" "analyst" {
  dynamic "statement" {
    for_each = var.masked ? [] : ["files"]
    content {
      sid       = "ListGoldAndServing"
      actions   = ["s3:ListBucket"]
      resources = [var.data_bucket_arn]
      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = [for folder in local.readable : "${var.prefix}/${folder}/*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.masked ? [] : ["files"]
    content {
      sid     = "ReadGoldAndServing"
      actions = ["s3:GetObject"]
      resources = concat(
        [for folder in local.readable : "${local.objects}/${folder}/*"],
        [for file in ["catalog.duckdb", "warehouse.duckdb", "digest.atom"] : "${local.objects}/${file}"],
      )
    }
  }

  dynamic "statement" {
    for_each = var.masked ? ["columns"] : []
    content {
      #checkov:skip=CKV_AWS_356:Lake Formation decides by table and column; it knows no resources for this call
      sid       = "ReadWhatLakeFormationGrants"
      actions   = ["lakeformation:GetDataAccess"]
      resources = ["*"]
    }
  }

  # Athena looks where the bucket lies before it writes.
  statement {
    sid       = "FindBucket"
    actions   = ["s3:GetBucketLocation"]
    resources = [var.data_bucket_arn]
  }

  statement {
    sid       = "ListResults"
    actions   = ["s3:ListBucket"]
    resources = [var.data_bucket_arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.athena_results_prefix}*"]
    }
  }

  statement {
    sid       = "KeepResults"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = [local.athena_results]
  }

  # The context is the bucket where a bucket key is in use, so what may be read is up to the statements above.
  statement {
    sid       = "UseDataKeyThroughS3"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.data_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid = "Query"
    actions = [
      "athena:BatchGetQueryExecution",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
      "athena:GetQueryResultsStream",
      "athena:GetWorkGroup",
      "athena:ListQueryExecutions",
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
    ]
    resources = [var.workgroup_arn]
  }

  statement {
    sid = "LookAtGoldTables"
    actions = [
      "glue:BatchGetPartition",
      "glue:GetDatabase",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:GetTable",
      "glue:GetTables",
    ]
    resources = [
      "${local.glue}:catalog",
      "${local.glue}:database/${var.gold_database}",
      "${local.glue}:table/${var.gold_database}/*",
      "${local.glue}:database/${var.warehouse_database}",
      "${local.glue}:table/${var.warehouse_database}/*",
    ]
  }

  # Athena wants to see the default database of any catalogue that it reads, though it may be empty.
  # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
  statement {
    sid       = "SeeDefaultDatabase"
    actions   = ["glue:GetDatabase"]
    resources = ["${local.glue}:catalog", "${local.glue}:database/default"]
  }
}
