# ECS itself, before a container starts: image, log stream, passwords.
locals {
  postgres_secret_arns = var.warehouse_postgres == null ? [] : [var.warehouse_postgres.secret_arn]
  # The key of a secret that AWS's own one encrypts is everybody's who may read the secret.
  postgres_key_arns = var.warehouse_postgres == null ? [] : compact([var.warehouse_postgres.key_arn])
}

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
    resources = concat([var.database_secret_arn], local.postgres_secret_arns)
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

  dynamic "statement" {
    for_each = local.postgres_key_arns
    content {
      sid       = "DecryptPostgresUrl"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${var.region}.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = local.postgres_secret_arns
      }
    }
  }
}
