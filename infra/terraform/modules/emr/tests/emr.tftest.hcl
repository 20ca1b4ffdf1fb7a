mock_provider "aws" {}

variables {
  name               = "openlib-test"
  release_label      = "emr-spark-8.0.0"
  executors          = 8
  operations_key_arn = "arn:aws:kms:us-east-1:123456789012:key/operations"
  log_days           = 30
}

run "workers_come_with_a_job_and_go_when_there_is_none" {
  command = plan
  assert {
    condition     = length(aws_emrserverless_application.this.initial_capacity) == 0
    error_message = "Workers stand ready, and cost, without a job."
  }
  assert {
    condition     = aws_emrserverless_application.this.auto_stop_configuration[0].enabled && aws_emrserverless_application.this.auto_stop_configuration[0].idle_timeout_minutes == 5
    error_message = "The application does not stop by itself."
  }
}

run "there_is_no_more_of_them_than_was_said" {
  command = plan
  assert {
    condition     = aws_emrserverless_application.this.maximum_capacity[0].cpu == "36 vCPU" && aws_emrserverless_application.this.maximum_capacity[0].memory == "144 GB" && aws_emrserverless_application.this.maximum_capacity[0].disk == "900 GB"
    error_message = "It is not eight executors and a driver."
  }
}

run "logs_are_encrypted_and_go" {
  command = plan
  assert {
    condition     = aws_cloudwatch_log_group.jobs.name == "/openlib-test/emr" && aws_cloudwatch_log_group.jobs.retention_in_days == 30 && aws_cloudwatch_log_group.jobs.kms_key_id == var.operations_key_arn
    error_message = "The logs are elsewhere, in the open, or kept for ever."
  }
}

run "a_release_without_spark_4_is_refused" {
  command = plan
  variables {
    release_label = "emr-7.12.0"
  }
  expect_failures = [var.release_label]
}
