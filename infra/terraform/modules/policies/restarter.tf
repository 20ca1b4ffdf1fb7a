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
