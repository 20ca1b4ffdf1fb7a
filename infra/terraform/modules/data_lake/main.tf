# The buckets: data, what runs print (compute logs), and logs of access.
#
# Compute logs have a bucket of their own, since the webserver reads them and may read no data: so its policy names
# neither the data bucket nor the data key.

module "data" {
  source        = "../bucket"
  name          = "${var.name}-data-${var.account_id}"
  kms_key_arn   = var.data_key_arn
  allow_destroy = var.allow_destroy
}

module "compute_logs" {
  source        = "../bucket"
  name          = "${var.name}-compute-logs-${var.account_id}"
  kms_key_arn   = var.operations_key_arn
  allow_destroy = var.allow_destroy
}

module "logs" {
  source        = "../bucket"
  name          = local.logs_name
  policies      = [data.aws_iam_policy_document.log_delivery.json]
  allow_destroy = var.allow_destroy
}

resource "aws_s3_bucket_logging" "access" {
  for_each      = { data = module.data.name, compute_logs = module.compute_logs.name }
  bucket        = each.value
  target_bucket = module.logs.name
  target_prefix = "s3/"
  # Below the prefix a folder for each bucket and day.
  target_object_key_format {
    partitioned_prefix {
      partition_date_source = "EventTime"
    }
  }
}

locals {
  logs_name = "${var.name}-logs-${var.account_id}"
  logs_arn  = "arn:aws:s3:::${local.logs_name}"
}

data "aws_iam_policy_document" "log_delivery" {
  statement {
    sid       = "S3AccessLogs"
    actions   = ["s3:PutObject"]
    resources = ["${local.logs_arn}/s3/*"]
    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:s3:::${var.name}-*"]
    }
  }

  # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
  statement {
    sid       = "LoadBalancerAccessLogs"
    actions   = ["s3:PutObject"]
    resources = ["${local.logs_arn}/alb/AWSLogs/${var.account_id}/*"]
    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = module.data.name

  dynamic "rule" {
    # A staged page is void after a day, a lock after a minute; what is left belongs to nobody.
    for_each = {
      staging        = { prefix = "${var.prefix}/_staging/", days = 7 }
      locks          = { prefix = "${var.prefix}/_locks/", days = 7 }
      athena-results = { prefix = var.athena_results_prefix, days = var.athena_results_days }
    }
    content {
      id     = rule.key
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      expiration {
        days = rule.value.days
      }
    }
  }

  # Both classes are read directly: an old snapshot needs no restore before a table is made from it.
  rule {
    id     = "bronze-gets-cold"
    status = "Enabled"
    filter {
      prefix = "${var.prefix}/bronze/"
    }
    transition {
      days          = var.bronze_infrequent_days
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = var.bronze_archive_days
      storage_class = "GLACIER_IR"
    }
  }

  rule {
    id     = "old-versions-go"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.old_version_days
    }
    expiration {
      expired_object_delete_marker = true
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  for_each = { compute_logs = module.compute_logs.name, logs = module.logs.name }
  bucket   = each.value
  rule {
    id     = "logs-go"
    status = "Enabled"
    filter {}
    expiration {
      days = var.log_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}
