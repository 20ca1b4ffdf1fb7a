# What somebody should know of: one topic, alarms, a budget.
#
# The code location prints a line of JSON for each signal; metric filters make numbers of them.

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.operations_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsAndCosts"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.topic.json
}

locals {
  signals = {
    run_failed       = "1"
    subjects_overdue = "$.count"
  }

  # Threshold alarms; a metric that says nothing is well unless `missing` says otherwise.
  alarms = merge(
    {
      run-failed = {
        description = "A run failed. Its reason stands in the UI, in the failure of its step."
        namespace   = var.name
        metric      = "run_failed"
        dimensions  = {}
        statistic   = "Sum"
        threshold   = 1
        compare     = "GreaterThanOrEqualToThreshold"
        period      = 300
        periods     = 1
        missing     = "notBreaching"
      }
      subjects-overdue = {
        description = "Subjects were not fetched in time: `openlib subjects list` names them."
        namespace   = var.name
        metric      = "subjects_overdue"
        dimensions  = {}
        statistic   = "Maximum"
        threshold   = 1
        compare     = "GreaterThanOrEqualToThreshold"
        period      = 86400
        periods     = 1
        missing     = "notBreaching"
      }
      dead-letters = {
        description = "An event was given up after five tries."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        statistic   = "Maximum"
        dimensions  = { QueueName = var.dead_letter_queue_name }
        threshold   = 0
        compare     = "GreaterThanThreshold"
        period      = 300
        periods     = 1
        missing     = "notBreaching"
      }
      events-wait = {
        description = "An event waits for an hour: the sensor does not read the queue."
        namespace   = "AWS/SQS"
        metric      = "ApproximateAgeOfOldestMessage"
        statistic   = "Maximum"
        dimensions  = { QueueName = var.queue_name }
        threshold   = 3600
        compare     = "GreaterThanThreshold"
        period      = 300
        periods     = 2
        missing     = "notBreaching"
      }
      database-storage = {
        description = "Less than 4 GB of the database's storage are free."
        namespace   = "AWS/RDS"
        metric      = "FreeStorageSpace"
        statistic   = "Minimum"
        dimensions  = { DBInstanceIdentifier = var.database_identifier }
        threshold   = 4000000000
        compare     = "LessThanThreshold"
        period      = 300
        periods     = 3
        missing     = "missing"
      }
      database-cpu = {
        description = "The database computes at 80 % or more for a quarter of an hour."
        namespace   = "AWS/RDS"
        metric      = "CPUUtilization"
        statistic   = "Average"
        dimensions  = { DBInstanceIdentifier = var.database_identifier }
        threshold   = 80
        compare     = "GreaterThanOrEqualToThreshold"
        period      = 300
        periods     = 3
        missing     = "missing"
      }
    },
    {
      for service in var.services : "no-${service}" => {
        description = "No task of ${service} runs."
        namespace   = "ECS/ContainerInsights"
        metric      = "RunningTaskCount"
        statistic   = "Minimum"
        dimensions  = { ClusterName = var.cluster_name, ServiceName = service }
        threshold   = 1
        compare     = "LessThanThreshold"
        period      = 60
        periods     = 5
        missing     = "breaching"
      }
    },
    {
      for source, metric in { ui-fails = "HTTPCode_Target_5XX_Count", ui-unreachable = "HTTPCode_ELB_5XX_Count" } : source => {
        description                    = "The UI answered five requests or more in five minutes with a 5xx."
        namespace                      = "AWS/ApplicationELB"
        metric                         = metric
        statistic                      = "Sum"
        dimensions                     = { LoadBalancer = var.load_balancer }
        threshold                      = 5
        compare                        = "GreaterThanOrEqualToThreshold"
        period                         = 300
        periods                        = 1
        missing                        = "notBreaching"
      }
    },
  )
}

resource "aws_cloudwatch_log_metric_filter" "signal" {
  for_each       = local.signals
  name           = each.key
  log_group_name = var.code_location_log_group
  pattern        = "{ $.openlib_signal = \"${each.key}\" }"
  metric_transformation {
    namespace = var.name
    name      = each.key
    value     = each.value
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.compare
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# The tag must be switched on once in the account as a cost allocation tag.
resource "aws_budgets_budget" "monthly" {
  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:project$%s", var.name)]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type         = notification.key
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
    }
  }
}

resource "aws_ce_anomaly_monitor" "project" {
  name         = var.name
  monitor_type = "CUSTOM"
  monitor_specification = jsonencode({
    Tags = { Key = "project", Values = [var.name], MatchOptions = ["EQUALS"] }
  })
}

resource "aws_ce_anomaly_subscription" "project" {
  name             = var.name
  frequency        = "IMMEDIATE"
  monitor_arn_list = [aws_ce_anomaly_monitor.project.arn]
  subscriber {
    type    = "SNS"
    address = aws_sns_topic.alarms.arn
  }
  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      values        = [tostring(ceil(var.monthly_budget / 10))]
      match_options = ["GREATER_THAN_OR_EQUAL"]
    }
  }
  depends_on = [aws_sns_topic_policy.alarms]
}
