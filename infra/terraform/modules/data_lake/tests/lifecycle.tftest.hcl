mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name                  = "openlib-test"
  account_id            = "123456789012"
  prefix                = "openlib"
  athena_results_prefix = "athena-results/"
  data_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/data"
  operations_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/operations"
  allow_destroy         = false
}

run "what_goes_and_what_stays" {
  command = apply

  assert {
    condition = toset([
      for rule in aws_s3_bucket_lifecycle_configuration.data.rule : rule.filter[0].prefix
      if length([for expiration in rule.expiration : expiration if coalesce(expiration.days, 0) > 0]) > 0
    ]) == toset(["openlib/_staging/", "openlib/_locks/", "athena-results/"])
    error_message = "Something else than leavings and results expires."
  }
  assert {
    condition = toset(flatten([
      for rule in aws_s3_bucket_lifecycle_configuration.data.rule :
      [for transition in rule.transition : "${rule.filter[0].prefix} ${transition.storage_class}"]
    ])) == toset(["openlib/bronze/ STANDARD_IA", "openlib/bronze/ GLACIER_IR"])
    error_message = "Bronze goes to a class from which it must be restored."
  }
  assert {
    condition = anytrue([
      for rule in aws_s3_bucket_lifecycle_configuration.data.rule :
      length(rule.noncurrent_version_expiration) == 1 && length(rule.abort_incomplete_multipart_upload) == 1
    ])
    error_message = "Old versions or parts of uploads stay for ever."
  }
  assert {
    condition     = toset(keys(aws_s3_bucket_logging.access)) == toset(["data", "compute_logs"])
    error_message = "Access to a bucket is not logged."
  }
}
