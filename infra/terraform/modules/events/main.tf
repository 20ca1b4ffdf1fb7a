# S3 tells a queue of a new watch list and of new snapshots; a sensor reads the queue.

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "account_id" {
  description = "The account whose bucket may send."
  type        = string
}

variable "bucket" {
  description = "Name of the data bucket."
  type        = string
}

variable "prefix" {
  description = "Where the data lies in its bucket."
  type        = string
}

# SQS-managed encryption, not a KMS key: S3 can then send without a right on a key, and a message holds nothing but the
# name of an object.
resource "aws_sqs_queue" "events" {
  name                       = "${var.name}-events"
  sqs_managed_sse_enabled    = true
  visibility_timeout_seconds = 300
  message_retention_seconds  = 4 * 24 * 3600
  receive_wait_time_seconds  = 20
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-events-dead-letters"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.events.arn]
  })
}

data "aws_iam_policy_document" "bucket_sends" {
  statement {
    sid       = "TheBucketSends"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.events.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:aws:s3:::${var.bucket}"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.events.arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  queue_url = aws_sqs_queue.events.id
  policy    = data.aws_iam_policy_document.bucket_sends.json
}

resource "aws_s3_bucket_notification" "events" {
  bucket = var.bucket

  queue {
    id            = "watch-list"
    queue_arn     = aws_sqs_queue.events.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "${var.prefix}/"
    filter_suffix = "subjects.yaml"
  }

  queue {
    id            = "snapshots"
    queue_arn     = aws_sqs_queue.events.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "${var.prefix}/bronze/raw_works/"
    filter_suffix = ".parquet"
  }

  # S3 tries to send before it accepts the notification.
  depends_on = [aws_sqs_queue_policy.events]
}

output "queue_url" {
  description = "URL of the queue."
  value       = aws_sqs_queue.events.id
}

output "queue_arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.events.arn
}

output "queue_name" {
  description = "Name of the queue, as its metrics are called."
  value       = aws_sqs_queue.events.name
}

output "dead_letter_queue_name" {
  description = "Name of the dead-letter queue, as its metrics are called."
  value       = aws_sqs_queue.dead_letters.name
}
