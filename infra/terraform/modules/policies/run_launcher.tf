# What whoever loads the instance's run launcher asks of ECS.

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
