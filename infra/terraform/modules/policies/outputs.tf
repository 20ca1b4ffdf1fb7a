output "policies" {
  description = "The policy of each role, as JSON."
  value = merge({
    pipeline   = var.emr == null ? data.aws_iam_policy_document.pipeline.json : data.aws_iam_policy_document.pipeline_with_emr.json
    daemon     = data.aws_iam_policy_document.daemon.json
    webserver  = data.aws_iam_policy_document.webserver.json
    execution  = data.aws_iam_policy_document.execution.json
    restarter  = data.aws_iam_policy_document.restarter.json
    maintainer = data.aws_iam_policy_document.maintainer.json
    analyst    = data.aws_iam_policy_document.analyst.json
    deployer   = data.aws_iam_policy_document.deployer.json
    }, var.emr == null ? {} : {
    emr-job = data.aws_iam_policy_document.emr_job.json
  })
}
