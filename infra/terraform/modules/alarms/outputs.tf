output "topic_arn" {
  description = "The topic that all alarms go to."
  value       = aws_sns_topic.alarms.arn
}
