# Dagster's processes on Fargate, all of one image. The webserver, the daemon and the code location are services; a run
# is a task that the daemon starts from the definition `run`.

locals {
  processes = {
    webserver = {
      command = ["dagster-webserver", "-h", "0.0.0.0", "-p", "3000", "-w", "/opt/openlib/workspace.yaml"]
      # The image has Python for certain, other tools perhaps not.
      health = ["CMD", "python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3000/server_info', timeout=5)"]
      port   = 3000
      role   = "webserver"
    }
    daemon = {
      command = ["dagster-daemon", "run", "-w", "/opt/openlib/workspace.yaml"]
      health  = ["CMD", "dagster-daemon", "liveness-check"]
      port    = null
      role    = "daemon"
    }
    code-location = {
      command = [
        "dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "4000",
        "-m", "openlib_assets.definitions", "--location-name", "openlib_assets",
      ]
      health = ["CMD", "dagster", "api", "grpc-health-check", "-p", "4000"]
      port   = 4000
      role   = "pipeline"
    }
    # The daemon overrides the command with that of the run.
    run = {
      command = ["dagster", "--version"]
      health  = null
      port    = null
      role    = "pipeline"
    }
  }

  services       = ["webserver", "daemon", "code-location"]
  run_family     = "${var.name}-run"
  code_host      = "code-location.${var.name}.internal"
  repository_url = aws_ecr_repository.this.repository_url

  storage = "s3://${var.data_bucket}/${var.prefix}"

  # What follows from this configuration.
  fixed = merge(var.database_connection, {
    AWS_DEFAULT_REGION          = var.region
    AWS_REGION                  = var.region
    DAGSTER_HOME                = "/opt/openlib/aws"
    OPENLIB_CODE_HOST           = local.code_host
    OPENLIB_CODE_PORT           = "4000"
    OPENLIB_COMPUTE_LOGS_BUCKET = var.compute_logs_bucket
    OPENLIB_COMPUTE_LOGS_PREFIX = var.compute_logs_prefix
    OPENLIB_CONTACT             = var.contact
    OPENLIB_EVENTS_QUEUE        = var.queue_url
    OPENLIB_MONTHLY_REFRESH     = "on"
    OPENLIB_PACE                = "postgres"
    OPENLIB_RUN_TASK_DEFINITION = local.run_family
    OPENLIB_S3_BUCKET_OWNER     = var.account_id
    OPENLIB_S3_KMS_KEY          = var.data_key_arn
    OPENLIB_STORAGE             = local.storage
    PGSSLMODE                   = "verify-full"
    PGSSLROOTCERT               = "/opt/openlib/rds-ca.pem"
    # The only folder that can be written.
    HOME           = "/tmp"
    TMPDIR         = "/tmp"
    XDG_CACHE_HOME = "/tmp/cache"
    }, var.iceberg_database == null ? {} : {
    OPENLIB_ICEBERG           = "glue"
    OPENLIB_ICEBERG_NAMESPACE = var.iceberg_database
    }, var.emr == null ? {} : {
    OPENLIB_DUMPS = "${local.storage}/dump_files"
    OPENLIB_EMR   = "application=${var.emr.application_id},role=${var.emr.role_arn},code=${local.storage}/code,logs=${var.emr.log_group}"
  })
  environment = merge(var.settings, local.fixed)

  # The URL holds a password, so it is told as a secret, and only to those who load or know what is loaded.
  postgres_settings = ["OPENLIB_DATABASE", "OPENLIB_DATABASE_SCHEMA"]
  postgres = {
    for process, about in local.processes : process => about.role == "pipeline" ? var.warehouse_postgres : null
  }
  not_to_be_set = setintersection(keys(var.settings), concat(keys(local.fixed), local.postgres_settings))
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
  depends_on = [aws_cloudwatch_log_group.insights]
}

resource "aws_cloudwatch_log_group" "process" {
  #checkov:skip=CKV_AWS_338:what was done when stands in Dagster's instance; logs are for finding faults
  for_each          = local.processes
  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = var.operations_key_arn
}

# ECS would make the group by itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "insights" {
  #checkov:skip=CKV_AWS_338:figures per container for the alarms; nobody looks at them after a week
  name              = "/aws/ecs/containerinsights/${var.name}/performance"
  retention_in_days = 7
  kms_key_id        = var.operations_key_arn
}

resource "aws_ecs_task_definition" "process" {
  for_each                 = local.processes
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.sizes[each.key].cpu
  memory                   = var.sizes[each.key].memory
  execution_role_arn       = var.role_arns["execution"]
  task_role_arn            = var.role_arns[each.value.role]
  # A run's launcher keeps the revision that it found when it started: the one before must stay until it starts again.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  dynamic "ephemeral_storage" {
    for_each = each.key == "run" ? [var.run_storage_gib] : []
    content {
      size_in_gib = ephemeral_storage.value
    }
  }

  # Lies in the task's ephemeral storage. The image declares it as a volume, so that its rights are those of /tmp there.
  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([merge(
    {
      name                   = each.key
      image                  = "${local.repository_url}:${var.image_tag}"
      essential              = true
      command                = each.value.command
      user                   = "10001"
      readonlyRootFilesystem = true
      memory                 = var.sizes[each.key].memory
      cpu                    = var.sizes[each.key].cpu
      environment = [
        for name, value in merge(
          local.environment,
          local.postgres[each.key] == null ? {} : { OPENLIB_DATABASE_SCHEMA = local.postgres[each.key].schema },
        ) : { name = name, value = value }
      ]
      secrets = concat(
        [{ name = "PGPASSWORD", valueFrom = "${var.database_secret_arn}:password::" }],
        local.postgres[each.key] == null ? [] : [
          { name = "OPENLIB_DATABASE", valueFrom = "${local.postgres[each.key].secret_arn}:url::" }
        ],
      )
      mountPoints     = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
      linuxParameters = { initProcessEnabled = true, capabilities = { add = [], drop = ["ALL"] } }
      portMappings    = each.value.port == null ? [] : [{ containerPort = each.value.port, hostPort = each.value.port, protocol = "tcp" }]
      stopTimeout     = 120
      systemControls  = []
      volumesFrom     = []
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.process[each.key].name
          awslogs-region        = var.region
          awslogs-stream-prefix = each.key
        }
      }
    },
    each.value.health == null ? {} : {
      healthCheck = { command = each.value.health, interval = each.key == "daemon" ? 120 : 30, timeout = each.key == "daemon" ? 60 : 20, retries = 3, startPeriod = 120 }
    },
  )])

  lifecycle {
    precondition {
      condition     = length(local.not_to_be_set) == 0
      error_message = "These follow from this configuration, and are not to be set: ${join(", ", local.not_to_be_set)}."
    }
  }
}

resource "aws_ecs_service" "process" {
  for_each         = toset(local.services)
  name             = each.value
  cluster          = aws_ecs_cluster.this.id
  task_definition  = aws_ecs_task_definition.process[each.value].arn
  desired_count    = each.value == "webserver" ? var.webservers : 1
  launch_type      = "FARGATE"
  platform_version = "LATEST"
  propagate_tags   = "SERVICE"

  # The daemon starts again where only the definition of runs has changed, so that it starts runs by the new one.
  force_new_deployment = each.value == "daemon"
  triggers             = each.value == "daemon" ? { runs = aws_ecs_task_definition.process["run"].arn } : {}

  # Two daemons would start each run twice: the old one stops before the new one starts.
  deployment_minimum_healthy_percent = each.value == "daemon" ? 0 : 100
  deployment_maximum_percent         = each.value == "daemon" ? 100 : 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_ids[replace(each.value, "-", "_")]]
    assign_public_ip = false
  }

  # At a quarter of a processor, its imports take half a minute.
  health_check_grace_period_seconds = each.value == "webserver" ? 180 : null

  dynamic "load_balancer" {
    for_each = each.value == "webserver" ? [aws_lb_target_group.webserver.arn] : []
    content {
      target_group_arn = load_balancer.value
      container_name   = "webserver"
      container_port   = 3000
    }
  }

  dynamic "service_registries" {
    for_each = each.value == "code-location" ? [aws_service_discovery_service.code_location.arn] : []
    content {
      registry_arn = service_registries.value
    }
  }

  depends_on = [aws_lb_listener.https]
}

# A process reads the database's password when it starts, so it starts again after the password has changed.
resource "aws_scheduler_schedule" "restart" {
  #checkov:skip=CKV_AWS_297:says nothing that is secret
  for_each                     = toset(local.services)
  name                         = "${var.name}-restart-${each.value}"
  schedule_expression          = var.restart_schedule
  schedule_expression_timezone = "UTC"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:ecs:updateService"
    role_arn = var.role_arns["restarter"]
    input = jsonencode({
      Cluster            = aws_ecs_cluster.this.name
      Service            = each.value
      ForceNewDeployment = true
    })
  }
}

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "Where the webserver and the daemon find the code location"
  vpc         = var.vpc_id
}

resource "aws_service_discovery_service" "code_location" {
  name          = "code-location"
  force_destroy = var.allow_destroy
  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.this.id
    routing_policy = "MULTIVALUE"
    dns_records {
      type = "A"
      ttl  = 10
    }
  }
  health_check_custom_config {
    failure_threshold = 1
  }
}
