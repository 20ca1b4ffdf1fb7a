mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/openlib-test-snowflake" }
  }
}

variables {
  name         = "openlib-test"
  region       = "us-east-1"
  bucket       = "openlib-test-data"
  bucket_arn   = "arn:aws:s3:::openlib-test-data"
  prefix       = "openlib"
  data_key_arn = "arn:aws:kms:us-east-1:123456789012:key/data"
  user_arn     = "arn:aws:iam::210987654321:user/snowflake"
  external_id  = "TEST_SFCRole=1_abc="
  tables = [{
    name = "author_averages"
    columns = [
      { name = "author_key", type = "string" },
      { name = "names", type = "array<string>" },
      { name = "book_count", type = "bigint" },
    ]
  }]
  permissions_boundary_arn = null
}

run "gold_only" {
  command = apply
  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.gold.statement : statement.resources if contains(statement.actions, "s3:GetObject")
    ])) == toset(["arn:aws:s3:::openlib-test-data/openlib/gold/*"])
    error_message = "Snowflake reads more than gold."
  }
  assert {
    condition     = strcontains(output.sql, "STORAGE_ALLOWED_LOCATIONS = ('s3://openlib-test-data/openlib/gold/')")
    error_message = "The integration reaches elsewhere."
  }
  assert {
    condition     = strcontains(output.sql, "book_count NUMBER(19, 0) AS (value:book_count::NUMBER(19, 0))\n)")
    error_message = "The last column is missing, or a comma too many."
  }
  assert {
    condition     = strcontains(output.sql, "names ARRAY AS (value:names::ARRAY),\n")
    error_message = "A list is not an array."
  }
  assert {
    condition     = strcontains(output.sql, "metadata$filename")
    error_message = "The subject is not read from the path."
  }
}
