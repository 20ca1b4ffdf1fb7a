# PostgreSQL for Dagster's instance and for the shared pace of requests.

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres16"
  family = "postgres16"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  # What changes the schema is logged; all statements would be as many as the events of all runs.
  parameter {
    name  = "log_statement"
    value = "ddl"
  }
}

# RDS would make the group by itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:kept as long as the other logs, not a year
  for_each          = toset(["postgresql", "upgrade"])
  name              = "/aws/rds/instance/${var.name}/${each.value}"
  retention_in_days = var.log_days
  kms_key_id        = var.operations_key_arn
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_157:Multi-AZ by variable: in prod, not in dev
  #checkov:skip=CKV_AWS_293:deletion protection by variable: in prod, not in dev
  #checkov:skip=CKV2_AWS_30:statements that change the schema and slow ones are logged, not all; see the parameter group
  identifier = var.name
  # Looked at when the instance is made, and never after: it would be made anew.
  snapshot_identifier = var.restore_from
  engine              = "postgres"
  engine_version      = "16"
  instance_class      = var.instance_class

  allocated_storage     = 20
  max_allocated_storage = 100
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.operations_key_arn

  db_name                       = "dagster"
  username                      = "dagster"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.operations_key_arn
  # People log in with a token of 15 minutes. The processes use the password, which stays the same while they run.
  iam_database_authentication_enabled = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.security_group_id]
  publicly_accessible    = false
  multi_az               = var.multi_az
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period   = var.backup_days
  backup_window             = "01:00-02:00"
  maintenance_window        = "sun:05:30-sun:06:30"
  copy_tags_to_snapshot     = true
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = "${var.name}-final"
  # Also where the instance is made anew from one of them: it may not be the right one.
  delete_automated_backups = false

  auto_minor_version_upgrade      = true
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.operations_key_arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn

  lifecycle {
    ignore_changes = [snapshot_identifier]
  }
  depends_on = [aws_cloudwatch_log_group.this]
}

# A password that RDS keeps changes each week unless told otherwise, and a process reads it when it starts. So it changes
# once a month, in an hour after which the services are restarted (modules/orchestration). A run that goes on then may
# fail; the next one goes on from the pages it had.
resource "aws_secretsmanager_secret_rotation" "password" {
  secret_id          = aws_db_instance.this.master_user_secret[0].secret_arn
  rotate_immediately = false
  rotation_rules {
    schedule_expression = var.rotation_schedule
    duration            = "1h"
  }
}

resource "aws_iam_role" "monitoring" {
  name                 = "${var.name}-rds-monitoring"
  assume_role_policy   = data.aws_iam_policy_document.monitoring_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
