mock_provider "aws" {}

variables {
  name           = "openlib-test"
  account_id     = "123456789012"
  region         = "us-east-1"
  bucket         = "openlib-test-data"
  prefix         = "openlib"
  results_prefix = "athena-results/"
  data_key_arn   = "arn:aws:kms:us-east-1:123456789012:key/data"
  allow_destroy  = false
}

run "each_query_names_its_subject" {
  command = plan
  assert {
    condition     = alltrue([for table in aws_glue_catalog_table.table : table.parameters["projection.subject.type"] == "injected" if table.database_name != "openlib_test_warehouse"])
    error_message = "The partitions are not computed from the query."
  }
  assert {
    condition     = aws_glue_catalog_table.table["author_averages"].parameters["storage.location.template"] == "s3://openlib-test-data/openlib/gold/author_averages/subject=$${subject}/"
    error_message = "A subject's files are looked for elsewhere."
  }
  assert {
    condition     = aws_glue_catalog_table.table["books"].database_name == "openlib_test_silver" && aws_glue_catalog_table.table["author_averages"].database_name == "openlib_test_gold"
    error_message = "A table is in the other layer's database."
  }
  assert {
    condition     = aws_athena_workgroup.analysts.configuration[0].enforce_workgroup_configuration && aws_athena_workgroup.analysts.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS"
    error_message = "A query can put its results elsewhere, or without the key."
  }
}

run "queries_go_over_the_listed_subjects" {
  command = plan
  variables {
    subjects = ["love", "place:france", "o'brien_(*)", "ээээээээээээээээээээ科学科学科学科学科学科学科学科学"]
  }
  assert {
    condition     = aws_glue_catalog_table.table["books"].parameters["projection.subject.values"] == "love,place%3Afrance,o%27brien_%28%2A%29,%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%D1%8D%E7%A7%91%E5%AD%A6%E7%A7%91%E5%AD%A6%E7%A7%91%E5%AD%A6~2514ff3c6620a604"
    error_message = "The subjects are not spelt as in the paths."
  }
}

run "the_warehouse_is_read_through_the_files_that_name_the_current_version" {
  command = plan
  assert {
    condition     = aws_glue_catalog_table.table["warehouse/works"].storage_descriptor[0].location == "s3://openlib-test-data/openlib/warehouse/_files/works/" && aws_glue_catalog_table.table["warehouse/works"].storage_descriptor[0].input_format == "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
    error_message = "A table of the warehouse is looked for elsewhere, or its files are taken for those of a folder."
  }
  assert {
    condition     = aws_glue_catalog_table.table["warehouse/authors"].name == "authors" && aws_glue_catalog_table.table["warehouse/authors"].database_name == "openlib_test_warehouse" && length(aws_glue_catalog_table.table["warehouse/authors"].partition_keys) == 0
    error_message = "A table of the warehouse has another name, or partitions."
  }
}

run "without_iceberg_tables_there_is_no_database_for_them" {
  command = plan
  assert {
    condition     = length(aws_glue_catalog_database.iceberg) == 0 && output.iceberg_database == null
    error_message = "There is a database that nobody asked for."
  }
}

run "iceberg_tables_have_a_database_of_their_own" {
  command = plan
  variables {
    iceberg = true
  }
  assert {
    condition     = aws_glue_catalog_database.iceberg[0].name == "openlib_test_iceberg" && output.iceberg_database == "openlib_test_iceberg"
    error_message = "Its name is another one."
  }
}
