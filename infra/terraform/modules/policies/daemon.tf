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
