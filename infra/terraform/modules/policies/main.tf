# What each role may do, a file a role; `compute_logs.tf` and `run_launcher.tf` hold what several may. Nothing but policy
# documents: they can be rendered without an account, and tests attach them to users of another S3 or look at them as
# they are.

locals {
  # Below the data's own prefix: files of dumps that somebody put there, and the code of jobs.
  dump_files_folder = "dump_files"
  code_folder       = "code"
  objects           = "${var.data_bucket_arn}/${var.prefix}"
  tasks             = "${replace(var.cluster_arn, ":cluster/", ":task/")}/*"
  task_definition   = "arn:aws:ecs:${var.region}:${var.account_id}:task-definition"
}
