# A private bucket: owner enforced, no public access, versioned, encrypted, TLS only.

data "aws_iam_policy_document" "bucket" {
  source_policy_documents = var.policies

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.arn, "${local.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  # A key of the caller's would leave objects that nobody else can read.
  statement {
    sid       = "NoCustomerProvidedKeys"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption-customer-algorithm"
      values   = ["false"]
    }
  }

  # A put that names no encryption gets the bucket's default, which is the key. So do the parts of a multipart upload.
  # What is refused is a put that names another algorithm or another key.
  dynamic "statement" {
    for_each = var.kms_key_arn == null ? {} : {
      NoOtherAlgorithm = ["s3:x-amz-server-side-encryption", "aws:kms"]
      NoOtherKey       = ["s3:x-amz-server-side-encryption-aws-kms-key-id", var.kms_key_arn]
    }
    content {
      sid       = statement.key
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = ["${local.arn}/*"]
      principals {
        type        = "AWS"
        identifiers = ["*"]
      }
      condition {
        test     = "StringNotEquals"
        variable = statement.value[0]
        values   = [statement.value[1]]
      }
      condition {
        test     = "Null"
        variable = statement.value[0]
        values   = ["false"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.allow_destroy ? [] : ["TheBucketStays"]
    content {
      sid       = statement.value
      effect    = "Deny"
      actions   = ["s3:DeleteBucket"]
      resources = [local.arn]
      principals {
        type        = "AWS"
        identifiers = ["*"]
      }
    }
  }
}

locals {
  arn = "arn:aws:s3:::${var.name}"
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:no second region: bronze can be fetched again, all else be made again from bronze
  #checkov:skip=CKV2_AWS_62:the data bucket has notifications (modules/events); nothing waits for logs
  #checkov:skip=CKV2_AWS_61:each user of this module has a lifecycle of its own
  #checkov:skip=CKV_AWS_18:all but the log bucket itself log their access (modules/data_lake)
  #checkov:skip=CKV_AWS_145:encrypted with a KMS key, but for the log bucket, to which S3 and ALB write only with SSE-S3
  bucket        = var.name
  force_destroy = var.allow_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    bucket_key_enabled = var.kms_key_arn != null
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket     = aws_s3_bucket.this.id
  policy     = data.aws_iam_policy_document.bucket.json
  depends_on = [aws_s3_bucket_public_access_block.this]
}
