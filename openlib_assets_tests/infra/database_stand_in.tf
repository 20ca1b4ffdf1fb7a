# In place of modules/database/main.tf where AWS is moto: the provider waits three minutes for a database there.

resource "aws_secretsmanager_secret" "password" {
  name       = "${var.name}-database"
  kms_key_id = var.operations_key_arn
}

output "connection" {
  value = {
    PGHOST     = "database.invalid"
    PGPORT     = "5432"
    PGUSER     = "dagster"
    PGDATABASE = "dagster"
  }
}

output "secret_arn" {
  value = aws_secretsmanager_secret.password.arn
}

output "identifier" {
  value = var.name
}
