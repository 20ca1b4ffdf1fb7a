output "connection" {
  description = "libpq's variables, but for the password."
  value = {
    PGHOST     = aws_db_instance.this.address
    PGPORT     = tostring(aws_db_instance.this.port)
    PGUSER     = aws_db_instance.this.username
    PGDATABASE = aws_db_instance.this.db_name
  }
}

output "secret_arn" {
  description = "The secret that holds the password, under the JSON key `password`."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "identifier" {
  description = "Name of the instance, as its metrics are called."
  value       = aws_db_instance.this.identifier
}
