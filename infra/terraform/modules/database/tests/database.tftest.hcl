mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name                     = "openlib-test"
  account_id               = "123456789012"
  subnet_ids               = ["subnet-a", "subnet-b"]
  security_group_id        = "sg-database"
  operations_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/operations"
  instance_class           = "db.t4g.micro"
  multi_az                 = true
  backup_days              = 14
  deletion_protection      = true
  log_days                 = 30
  rotation_schedule        = "cron(0 4 15 * ? *)"
  permissions_boundary_arn = null
}

run "private_encrypted_and_backed_up" {
  command = plan
  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted
    error_message = "The database is public or not encrypted."
  }
  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.master_user_secret_kms_key_id == var.operations_key_arn
    error_message = "The password stands in the state, or not under the key."
  }
  assert {
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], "rds.force_ssl=1")
    error_message = "The database talks without TLS."
  }
  assert {
    condition     = aws_db_instance.this.backup_retention_period == 14 && aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.multi_az
    error_message = "The database can get lost."
  }
  assert {
    condition     = startswith(aws_db_instance.this.engine_version, "16")
    error_message = "Not PostgreSQL 16."
  }
}

run "never_without_a_backup" {
  command = plan
  variables {
    backup_days = 0
  }
  expect_failures = [var.backup_days]
}
