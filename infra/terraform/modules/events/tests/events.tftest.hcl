mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:queue" }
  }
}

variables {
  name       = "openlib-test"
  account_id = "123456789012"
  bucket     = "openlib-test-data"
  prefix     = "openlib"
}

run "from_the_bucket_to_the_queue_to_the_dead_letters" {
  command = apply

  assert {
    condition     = jsondecode(aws_sqs_queue.events.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letters.arn, maxReceiveCount = 5 }
    error_message = "What fails is not set aside after five tries."
  }
  assert {
    condition     = aws_sqs_queue.events.visibility_timeout_seconds == 300
    error_message = "A message comes back while it is still worked on, or too late."
  }
  assert {
    condition     = aws_sqs_queue.events.sqs_managed_sse_enabled && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "Messages are not encrypted."
  }
  assert {
    condition = toset([
      for queue in aws_s3_bucket_notification.events.queue : "${queue.filter_prefix}*${queue.filter_suffix}"
    ]) == toset(["openlib/*subjects.yaml", "openlib/bronze/raw_works/*.parquet"])
    error_message = "The queue hears of too little or too much."
  }
  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.bucket_sends.statement : contains(
        flatten([for condition in statement.condition : condition.values]), "arn:aws:s3:::openlib-test-data"
      ) if statement.effect != "Deny"
    ])
    error_message = "Others than the bucket may send."
  }
}
