# What each role may do. Nothing but policy documents: they can be rendered without an account, and tests attach them to
# users of another S3 or look at them as they are.

locals {
  objects         = "${var.data_bucket_arn}/${var.prefix}"
  compute_logs    = "${var.compute_logs_bucket_arn}/${var.compute_logs_prefix}/*"
  athena_results  = "${var.data_bucket_arn}/${var.athena_results_prefix}*"
  tasks           = "${replace(var.cluster_arn, ":cluster/", ":task/")}/*"
  task_definition = "arn:aws:ecs:${var.region}:${var.account_id}:task-definition"
  glue            = "arn:aws:glue:${var.region}:${var.account_id}"

  # What a run makes again from bronze, or holds for a while. Bronze is what nothing can bring back.
  deletable = ["_staging", "_locks", "silver", "gold", "exports", "reports"]
  # What analysts get: no record as received, and no table that is not yet in its final form.
  readable = ["gold", "exports", "reports"]
}

# The data bucket, the queue of events, and compute logs: runs, and the code location, which evaluates the sensors.
data "aws_iam_policy_document" "pipeline" {
  source_policy_documents = [
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

  statement {
    sid = "TakeEvents"
    actions = [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
    ]
    resources = [var.queue_arn]
  }
}

# EcsRunLauncher: starts runs, looks after them, stops them. No data.
data "aws_iam_policy_document" "daemon" {
  source_policy_documents = [
    data.aws_iam_policy_document.compute_logs_write.json,
    data.aws_iam_policy_document.task_definitions_read.json,
    data.aws_iam_policy_document.run_launcher_stops.json,
  ]

  statement {
    sid       = "StartRuns"
    actions   = ["ecs:RunTask"]
    resources = ["${local.task_definition}/${var.run_family}:*"]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }

  statement {
    sid       = "TagRunsAsTheyStart"
    actions   = ["ecs:TagResource"]
    resources = [local.tasks]
    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  statement {
    sid       = "GiveRunsTheirRoles"
    actions   = ["iam:PassRole"]
    resources = var.run_role_arns
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  # Runs get the network of the daemon's own task.
  statement {
    #checkov:skip=CKV_AWS_356:EC2 knows no resources for DescribeNetworkInterfaces
    sid       = "FindOwnNetwork"
    actions   = ["ec2:DescribeNetworkInterfaces"]
    resources = ["*"]
  }

  # The last lines of a run whose task has failed.
  statement {
    sid       = "ReadLogsOfRuns"
    actions   = ["logs:GetLogEvents"]
    resources = ["${var.run_log_group_arn}:log-stream:*"]
  }
}

# Shows what runs printed, and stops runs. No data.
data "aws_iam_policy_document" "webserver" {
  source_policy_documents = [
    data.aws_iam_policy_document.compute_logs_read.json,
    data.aws_iam_policy_document.task_definitions_read.json,
    data.aws_iam_policy_document.run_launcher_stops.json,
  ]
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

# Whoever loads the instance's run launcher looks at the task definition of runs; delivery makes the next revision from
# the last.
data "aws_iam_policy_document" "task_definitions_read" {
  statement {
    #checkov:skip=CKV_AWS_356:ECS knows no resources for DescribeTaskDefinition
    sid       = "LookAtTaskDefinitions"
    actions   = ["ecs:DescribeTaskDefinition"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "run_launcher_stops" {
  statement {
    sid       = "LookAfterTasks"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = [local.tasks]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }
}

# ECS itself, before a container starts: image, log stream, password.
data "aws_iam_policy_document" "execution" {
  # The token is for the registry of the account.
  statement {
    #checkov:skip=CKV_AWS_356:ECR knows no resources for GetAuthorizationToken
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for arn in var.log_group_arns : "${arn}:log-stream:*"]
  }

  statement {
    sid       = "ReadDatabasePassword"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.database_secret_arn]
  }

  statement {
    sid       = "DecryptDatabasePassword"
    actions   = ["kms:Decrypt"]
    resources = [var.operations_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values   = [var.database_secret_arn]
    }
  }
}

# `openlib prune` and `openlib subjects remove --delete-data`. What is deleted stays a noncurrent version for a while,
# which this role cannot delete.
data "aws_iam_policy_document" "maintainer" {
  source_policy_documents = [data.aws_iam_policy_document.pipeline.json]

  statement {
    sid       = "DeleteBronze"
    actions   = ["s3:DeleteObject"]
    resources = ["${local.objects}/bronze/*"]
  }
}

# Reads what is made for people, and asks questions of gold in one workgroup. With masking, columns are Lake Formation's
# business: then it reads no file, since the files of gold, the CSV files and the reports hold all columns.
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
        ["${local.objects}/catalog.duckdb"],
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

# Continuous delivery: a new image, and services that run it. Neither data nor secrets.
data "aws_iam_policy_document" "deployer" {
  source_policy_documents = [data.aws_iam_policy_document.task_definitions_read.json]

  statement {
    #checkov:skip=CKV_AWS_356:the token is for the registry of the account; ECR knows no resources for this call
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushImage"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [var.repository_arn]
  }

  statement {
    sid       = "MakeTaskDefinitions"
    actions   = ["ecs:RegisterTaskDefinition"]
    resources = [for family in var.task_families : "${local.task_definition}/${family}:*"]
  }

  statement {
    sid       = "UpdateServices"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = var.service_arns
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }

  statement {
    sid       = "GiveTasksTheirRoles"
    actions   = ["iam:PassRole"]
    resources = var.task_role_arns
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# The scheduler, after the password of the database has changed.
data "aws_iam_policy_document" "restarter" {
  statement {
    sid       = "RestartServices"
    actions   = ["ecs:UpdateService"]
    resources = var.service_arns
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }
}
