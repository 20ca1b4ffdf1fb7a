# An application of EMR Serverless, which makes the tables of dumps on Spark. Nothing stands ready: workers come with a
# job, and go when none has been there for a while.

resource "aws_emrserverless_application" "this" {
  name          = "${var.name}-dumps"
  type          = "spark"
  release_label = var.release_label
  architecture  = "X86_64"

  # Of one job, its driver included; a second one waits for the first.
  maximum_capacity {
    cpu    = "${local.workers * local.worker.cpus} vCPU"
    memory = "${local.workers * local.worker.memory_gb} GB"
    disk   = "${local.workers * local.worker.disk_gb} GB"
  }

  auto_start_configuration {
    enabled = true
  }

  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = 5
  }
}

# EMR would make the group by itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "jobs" {
  #checkov:skip=CKV_AWS_338:what was done when stands in Dagster's instance; logs are for finding faults
  name              = "/${var.name}/emr"
  retention_in_days = var.log_days
  kms_key_id        = var.operations_key_arn
}

locals {
  # What a job asks for: openlib_assets/defs/emr/job_run.py.
  worker  = { cpus = 4, memory_gb = 16, disk_gb = 100 }
  workers = var.executors + 1
}
