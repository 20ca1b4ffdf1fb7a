mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name          = "openlib-test"
  kms_key_arn   = "arn:aws:kms:us-east-1:123456789012:key/data"
  allow_destroy = false
}

run "closed_and_encrypted_with_the_key" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket can be opened to the public."
  }
  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Others can own objects."
  }
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "What is deleted is lost."
  }
  assert {
    condition = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule : (
      rule.bucket_key_enabled &&
      rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" &&
      rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    )])
    error_message = "Objects are not encrypted with the key."
  }
  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "The bucket goes with all that is in it."
  }
}

run "refuses_plain_http_customer_keys_other_keys_and_deletion" {
  command = plan

  assert {
    condition = toset([
      for statement in data.aws_iam_policy_document.bucket.statement : statement.sid if statement.effect == "Deny"
    ]) == toset(["TlsOnly", "NoCustomerProvidedKeys", "NoOtherAlgorithm", "NoOtherKey", "TheBucketStays"])
    error_message = "The bucket's policy refuses too little or too much."
  }
}

run "a_bucket_to_throw_away" {
  command = plan
  variables {
    allow_destroy = true
    kms_key_arn   = null
  }

  assert {
    condition = toset([
      for statement in data.aws_iam_policy_document.bucket.statement : statement.sid if statement.effect == "Deny"
    ]) == toset(["TlsOnly", "NoCustomerProvidedKeys"])
    error_message = "A bucket without a key of its own asks for one, or cannot be deleted."
  }
  assert {
    condition = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule :
    rule.apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"])
    error_message = "Objects are not encrypted."
  }
}
