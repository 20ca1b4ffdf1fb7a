# The tables as Athena sees them: a Glue database for each layer, so that a role can be given one of them, and one for the
# warehouse, whose tables are over all subjects.
#
# `tables.json` is made from the project's data contract by `make docs`.

locals {
  layers   = toset(["silver", "gold", "warehouse"])
  database = { for layer in local.layers : layer => replace("${var.name}_${layer}", "-", "_") }
  iceberg  = replace("${var.name}_iceberg", "-", "_")
  # Of the warehouse, some have the names of the subjects' tables.
  tables = {
    for table in jsondecode(file("${path.module}/tables.json")) :
    table.layer == "warehouse" ? "warehouse/${table.name}" : table.name => table
  }

  # What the folders of subjects are called; openlib_assets/openlibrary/key_names.py says how.
  encoded = { for subject in var.subjects : subject => [for letter in regexall("(?s:.)", subject) : urlencode(letter)] }
  folders = [
    for subject in var.subjects :
    length(join("", local.encoded[subject])) <= 200 ? join("", local.encoded[subject]) : format("%s~%s",
      join("", [
        for place, letter in local.encoded[subject] : letter
        if length(join("", slice(local.encoded[subject], 0, place + 1))) <= 180
      ]),
      substr(sha256(subject), 0, 16)
    )
  ]

  # Partitions are computed, not stored: a subject is there as soon as its file is. The partition is the name of the
  # subject's folder: its key, percent-encoded, and shortened if it is long.
  projection = length(var.subjects) == 0 ? {
    "projection.subject.type" = "injected"
    } : {
    "projection.subject.type"   = "enum"
    "projection.subject.values" = join(",", local.folders)
  }
}

resource "aws_glue_catalog_database" "layer" {
  for_each = local.layers
  name     = local.database[each.value]

  # Left empty, the provider would give the rights to IAM_ALLOWED_PRINCIPALS, and nothing would be hidden from anybody.
  # https://github.com/hashicorp/terraform-provider-aws/issues/27295
  create_table_default_permission {
    permissions = ["ALL"]
    principal {
      data_lake_principal_identifier = var.table_owner
    }
  }
}

resource "aws_glue_catalog_table" "table" {
  for_each      = local.tables
  name          = each.value.name
  database_name = aws_glue_catalog_database.layer[each.value.layer].name
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = merge({ EXTERNAL = "TRUE", classification = "parquet" }, each.value.layer == "warehouse" ? {} : merge(local.projection, {
    "projection.enabled"        = "true"
    "storage.location.template" = "s3://${var.bucket}/${var.prefix}/${each.value.layer}/${each.key}/subject=$${subject}/"
  }))

  dynamic "partition_keys" {
    for_each = each.value.layer == "warehouse" ? [] : ["subject"]
    content {
      name    = partition_keys.value
      type    = "string"
      comment = "The name of the subject's folder, its key percent-encoded: place%3Afrance. A long one is shortened."
    }
  }

  # Of the warehouse, a small file names that of the current version.
  storage_descriptor {
    location      = each.value.layer == "warehouse" ? "s3://${var.bucket}/${var.prefix}/warehouse/_files/${each.value.name}/" : "s3://${var.bucket}/${var.prefix}/${each.value.layer}/${each.key}/"
    input_format  = each.value.layer == "warehouse" ? "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat" : "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = each.value.layer == "warehouse" ? "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat" : "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      parameters            = { "serialization.format" = "1" }
    }

    dynamic "columns" {
      for_each = each.value.columns
      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.description
      }
    }
  }
}

# For the Iceberg tables, which runs make by themselves: there is one of each name already in the warehouse's own.
resource "aws_glue_catalog_database" "iceberg" {
  count = var.iceberg ? 1 : 0
  name  = local.iceberg

  create_table_default_permission {
    permissions = ["ALL"]
    principal {
      data_lake_principal_identifier = var.table_owner
    }
  }

  # Runs say here which version all tables have.
  lifecycle {
    ignore_changes = [parameters]
  }
}

resource "aws_athena_workgroup" "analysts" {
  name          = local.workgroup
  description   = "Questions of gold; where results go and what a query may read is decided here."
  force_destroy = var.allow_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.most_bytes_scanned

    result_configuration {
      output_location       = "s3://${var.bucket}/${var.results_prefix}"
      expected_bucket_owner = var.account_id
      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.data_key_arn
      }
    }
  }
}

locals {
  workgroup = "${var.name}-analysts"
}
