# Shows what runs printed, and stops runs. No data.
data "aws_iam_policy_document" "webserver" {
  source_policy_documents = [
    data.aws_iam_policy_document.compute_logs_read.json,
    data.aws_iam_policy_document.task_definitions_read.json,
    data.aws_iam_policy_document.run_launcher_stops.json,
  ]
}
