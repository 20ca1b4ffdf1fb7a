# A customer managed KMS key with an alias, rotated each year.
#
# Who may use it stands in the policies of roles; the key's own policy lets the account's IAM decide, and names the
# services that act without a role.

variable "name" {
  description = "Alias of the key, without `alias/`."
  type        = string
}

variable "description" {
  description = "What the key encrypts."
  type        = string
}

variable "account_id" {
  description = "The account that owns the key."
  type        = string
}

variable "service_policies" {
  description = "Policy documents (JSON) for services that use the key in their own name."
  type        = list(string)
  default     = []
}

variable "deletion_window_days" {
  description = "Days between the key's deletion and its end, in which it can be had back."
  type        = number
  default     = 30
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:in the policy of a key, `*` is that key
  #checkov:skip=CKV_AWS_111:in the policy of a key, `*` is that key
  #checkov:skip=CKV_AWS_356:in the policy of a key, `*` is that key
  source_policy_documents = var.service_policies

  # Without it nobody could change the key any more, and policies of roles would not count.
  statement {
    sid       = "TheAccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${var.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = var.description
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

output "arn" {
  description = "ARN of the key."
  value       = aws_kms_key.this.arn
}
