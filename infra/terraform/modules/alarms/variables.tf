variable "name" {
  description = "What all names begin with; also the namespace of the project's own metrics and the value of its tag."
  type        = string
}

variable "account_id" {
  description = "The account."
  type        = string
}

variable "emails" {
  description = "Who is told; each address must confirm."
  type        = list(string)
}

variable "operations_key_arn" {
  description = "Key of the topic."
  type        = string
}

variable "code_location_log_group" {
  description = "Name of the log group in which signals stand."
  type        = string
}

variable "queue_name" {
  description = "Name of the queue of events."
  type        = string
}

variable "dead_letter_queue_name" {
  description = "Name of the dead-letter queue."
  type        = string
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "services" {
  description = "Names of the services, of each of which a task must run."
  type        = list(string)
}

variable "database_identifier" {
  description = "Name of the database's instance."
  type        = string
}

variable "load_balancer" {
  description = "The load balancer, as its metrics are called (`arn_suffix`)."
  type        = string
}

variable "monthly_budget" {
  description = "US dollars a month."
  type        = number
}
