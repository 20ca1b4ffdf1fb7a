# A job on EMR Serverless that makes the tables of dumps, and the runs that start it.

locals {
  emr_jobs = var.emr == null ? [] : [var.emr]
  # Of dumps alone; a subject's tables lie in other folders.
  dump_tables = concat(
    [for layer in ["bronze", "silver", "gold"] : "${local.objects}/${layer}/*/dump=*"],
    ["${local.objects}/dumps/*", "${local.objects}/_locks/dump=*"],
  )
}

data "aws_iam_policy_document" "emr_job" {
  source_policy_documents = [data.aws_iam_policy_document.data_key.json]

  # All of the bucket: to who may list a part of it only, S3 does not say that an object is not there, but refuses.
  statement {
    sid       = "ListData"
    actions   = ["s3:ListBucket"]
    resources = [var.data_bucket_arn]
  }

  statement {
    sid     = "ReadFilesOfDumpsAndCode"
    actions = ["s3:GetObject"]
    resources = concat(
      ["${local.objects}/${local.dump_files_folder}/*", "${local.objects}/${local.code_folder}/*"],
      # Spark looks whether a folder above is a file, and has to be told that there is none.
      [local.objects, "${local.objects}/bronze", "${local.objects}/silver", "${local.objects}/gold"],
      ["${local.objects}/bronze/dump_*", "${local.objects}/silver/*", "${local.objects}/gold/*"],
    )
  }

  statement {
    sid = "MakeTablesOfDumps"
    actions = [
      "s3:GetObject",
      "s3:PutObject",
      "s3:DeleteObject",
      "s3:AbortMultipartUpload",
      "s3:ListMultipartUploadParts",
    ]
    resources = local.dump_tables
  }

  dynamic "statement" {
    for_each = local.emr_jobs
    content {
      sid       = "WriteLogs"
      actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      resources = [statement.value.log_group_arn, "${statement.value.log_group_arn}:log-stream:*"]
    }
  }

  # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html#jobs-log-storage-cw
  statement {
    #checkov:skip=CKV_AWS_356:whoever looks for a log group looks through the names of all
    sid       = "FindLogGroup"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "pipeline_with_emr" {
  source_policy_documents = [data.aws_iam_policy_document.pipeline.json]

  dynamic "statement" {
    for_each = local.emr_jobs
    content {
      sid       = "StartJobs"
      actions   = ["emr-serverless:GetApplication", "emr-serverless:StartJobRun"]
      resources = [statement.value.application_arn]
    }
  }

  dynamic "statement" {
    for_each = local.emr_jobs
    content {
      sid = "LookAfterJobs"
      actions = [
        "emr-serverless:CancelJobRun",
        "emr-serverless:GetDashboardForJobRun",
        "emr-serverless:GetJobRun",
        "emr-serverless:TagResource",
      ]
      resources = ["${statement.value.application_arn}/jobruns/*"]
    }
  }

  dynamic "statement" {
    for_each = local.emr_jobs
    content {
      sid       = "GiveJobsTheirRole"
      actions   = ["iam:PassRole"]
      resources = [statement.value.role_arn]
      condition {
        test     = "StringEquals"
        variable = "iam:PassedToService"
        values   = ["emr-serverless.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = local.emr_jobs
    content {
      sid       = "ReadLogsOfJobs"
      actions   = ["logs:DescribeLogStreams", "logs:GetLogEvents"]
      resources = [statement.value.log_group_arn, "${statement.value.log_group_arn}:log-stream:*"]
    }
  }
}
