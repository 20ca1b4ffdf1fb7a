# `openlib prune` and `openlib subjects remove --delete-data`. What is deleted stays a noncurrent version for a while,
# which this role cannot delete.
data "aws_iam_policy_document" "maintainer" {
  source_policy_documents = [data.aws_iam_policy_document.pipeline.json]

  statement {
    sid       = "DeleteBronze"
    actions   = ["s3:DeleteObject"]
    resources = ["${local.objects}/bronze/*"]
  }
}
