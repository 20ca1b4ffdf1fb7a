mock_provider "aws" {
  mock_resource "aws_ecr_repository" {
    defaults = { repository_url = "repository.invalid/openlib-test" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/openlib-test/1" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/openlib-test/1" }
  }
  mock_resource "aws_cognito_user_pool" {
    defaults = { arn = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_test" }
  }
  mock_resource "aws_service_discovery_service" {
    defaults = { arn = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-test" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/openlib-test:1" }
  }
}

variables {
  name       = "openlib-test"
  account_id = "123456789012"
  region     = "us-east-1"
  vpc_id     = "vpc-test"
  subnet_ids = ["subnet-a", "subnet-b"]
  security_group_ids = {
    load_balancer = "sg-load-balancer"
    webserver     = "sg-webserver"
    daemon        = "sg-daemon"
    code_location = "sg-code-location"
  }
  role_arns = {
    pipeline  = "arn:aws:iam::123456789012:role/pipeline"
    daemon    = "arn:aws:iam::123456789012:role/daemon"
    webserver = "arn:aws:iam::123456789012:role/webserver"
    execution = "arn:aws:iam::123456789012:role/execution"
    restarter = "arn:aws:iam::123456789012:role/restarter"
  }
  operations_key_arn  = "arn:aws:kms:us-east-1:123456789012:key/operations"
  data_key_arn        = "arn:aws:kms:us-east-1:123456789012:key/data"
  data_bucket         = "openlib-test-data"
  prefix              = "openlib"
  compute_logs_bucket = "openlib-test-compute-logs"
  compute_logs_prefix = "dagster-logs"
  log_bucket          = "openlib-test-logs"
  queue_url           = "https://sqs.invalid/events"
  database_connection = { PGHOST = "database.invalid", PGPORT = "5432", PGUSER = "dagster", PGDATABASE = "dagster" }
  database_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:password"
  image_tag           = "0.1.0"
  sizes = {
    webserver     = { cpu = 256, memory = 1024 }
    daemon        = { cpu = 256, memory = 1024 }
    code-location = { cpu = 512, memory = 2048 }
    run           = { cpu = 1024, memory = 4096 }
  }
  webservers          = 2
  contact             = "data-team@example.org"
  settings            = { OPENLIB_LANGUAGES = "eng,ger" }
  certificate_arn     = "arn:aws:acm:us-east-1:123456789012:certificate/test"
  ui_host             = "openlib.example.org"
  log_days            = 30
  restart_schedule    = "cron(0 5 15 * ? *)"
  deletion_protection = true
  allow_destroy       = false
}

run "processes_run_as_nobody_in_a_file_system_that_they_cannot_write" {
  command = apply

  assert {
    condition = alltrue([for definition in aws_ecs_task_definition.process : alltrue([
      for container in jsondecode(definition.container_definitions) : (
        container.user == "10001" && container.readonlyRootFilesystem && container.linuxParameters.capabilities.drop == ["ALL"]
      )
    ])])
    error_message = "A container can do more than it must."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.process["run"].container_definitions)[0].name == "run"
    error_message = "The run launcher does not find the container of runs."
  }
  assert {
    condition = alltrue([for definition in aws_ecs_task_definition.process : !strcontains(
      jsonencode(jsondecode(definition.container_definitions)[0].environment), "PASSWORD"
    )])
    error_message = "The password stands in a task definition."
  }
  assert {
    condition = {
      for process, definition in aws_ecs_task_definition.process : process => definition.task_role_arn
      } == {
      webserver     = var.role_arns["webserver"]
      daemon        = var.role_arns["daemon"]
      code-location = var.role_arns["pipeline"]
      run           = var.role_arns["pipeline"]
    }
    error_message = "A process has another's role."
  }
}

run "every_process_gets_the_settings" {
  command = apply
  assert {
    condition = alltrue([for definition in aws_ecs_task_definition.process : contains(
      jsondecode(definition.container_definitions)[0].environment, { name = "OPENLIB_LANGUAGES", value = "eng,ger" }
    )])
    error_message = "A process does not get a setting."
  }
}

run "what_follows_from_the_configuration_cannot_be_set" {
  command = plan
  variables {
    settings = { OPENLIB_STORAGE = "s3://elsewhere" }
  }
  expect_failures = [aws_ecs_task_definition.process]
}

run "one_daemon_and_deployments_that_roll_back" {
  command = apply
  assert {
    condition     = aws_ecs_service.process["daemon"].desired_count == 1 && aws_ecs_service.process["daemon"].deployment_maximum_percent == 100
    error_message = "Two daemons can run at once."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.process : service.deployment_circuit_breaker[0].enable && service.deployment_circuit_breaker[0].rollback])
    error_message = "A deployment that fails is not rolled back."
  }
}

run "people_log_in_before_they_see_anything" {
  command = apply
  assert {
    condition     = aws_lb.ui.internal && aws_lb.ui.drop_invalid_header_fields && aws_lb.ui.enable_deletion_protection
    error_message = "The load balancer is open to the internet, or to forged headers, or can be deleted."
  }
  assert {
    condition     = [for action in aws_lb_listener.https.default_action : action.type] == ["authenticate-cognito", "forward"]
    error_message = "Requests are forwarded before anybody has logged in."
  }
  assert {
    condition     = strcontains(aws_lb_listener.https.ssl_policy, "TLS13-1-2")
    error_message = "Old TLS is spoken."
  }
  assert {
    condition     = aws_cognito_user_pool.people.mfa_configuration == "ON" && aws_cognito_user_pool.people.admin_create_user_config[0].allow_admin_create_user_only
    error_message = "People can sign themselves up, or log in without a second factor."
  }
}

run "a_tag_names_one_image" {
  command = apply
  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "A tag can be moved, or an image is not scanned."
  }
}

run "a_new_definition_of_runs_restarts_the_daemon_and_leaves_the_old_one_usable" {
  command = apply
  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.process : definition.skip_destroy])
    error_message = "The daemon starts runs by the revision that it found when it started."
  }
  assert {
    condition     = aws_ecs_service.process["daemon"].triggers["runs"] == aws_ecs_task_definition.process["run"].arn && aws_ecs_service.process["daemon"].force_new_deployment
    error_message = "The daemon has to start again to see a new revision."
  }
}

run "only_processes_that_load_get_the_url_of_the_database_and_as_a_secret" {
  command = apply
  variables {
    warehouse_postgres = { secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:url", schema = "books" }
  }
  assert {
    condition = {
      for process, definition in aws_ecs_task_definition.process : process => {
        for secret in jsondecode(definition.container_definitions)[0].secrets : secret.name => secret.valueFrom
      }
      } == {
      for process in ["webserver", "daemon", "code-location", "run"] : process => merge(
        { PGPASSWORD = "${var.database_secret_arn}:password::" },
        contains(["code-location", "run"], process) ? { OPENLIB_DATABASE = "${var.warehouse_postgres.secret_arn}:url::" } : {},
      )
    }
    error_message = "A process lacks the URL, or has it without need."
  }
  assert {
    condition = [for process, definition in aws_ecs_task_definition.process : process if contains(
      jsondecode(definition.container_definitions)[0].environment, { name = "OPENLIB_DATABASE_SCHEMA", value = "books" }
    )] == ["code-location", "run"]
    error_message = "A process does not know the schema."
  }
}

run "without_a_database_nothing_is_loaded" {
  command = apply
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.process : !strcontains(definition.container_definitions, "OPENLIB_DATABASE")
    ])
    error_message = "A process is told of a database that is not there."
  }
}

run "the_url_cannot_be_set_where_everybody_reads_it" {
  command = plan
  variables {
    settings = { OPENLIB_DATABASE = "postgresql://loader:secret@database.invalid/books" }
  }
  expect_failures = [aws_ecs_task_definition.process]
}

run "processes_know_where_iceberg_tables_are_registered" {
  command = apply
  variables {
    iceberg_database = "openlib_test_iceberg"
  }
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.process : length(setintersection(
        jsondecode(definition.container_definitions)[0].environment,
        [{ name = "OPENLIB_ICEBERG", value = "glue" }, { name = "OPENLIB_ICEBERG_NAMESPACE", value = "openlib_test_iceberg" }],
      )) == 2
    ])
    error_message = "A process does not know the catalogue, or the namespace."
  }
}

run "without_iceberg_tables_no_process_is_told_of_them" {
  command = apply
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.process : !strcontains(definition.container_definitions, "OPENLIB_ICEBERG")
    ])
    error_message = "A process is told of a catalogue that is not there."
  }
}

run "processes_know_the_application_on_which_tables_of_dumps_are_made" {
  command = apply
  variables {
    emr = { application_id = "00f1", role_arn = "arn:aws:iam::123456789012:role/openlib-test-emr-job", log_group = "/openlib-test/emr" }
  }
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.process : length(setintersection(
        jsondecode(definition.container_definitions)[0].environment,
        [
          { name = "OPENLIB_DUMPS", value = "s3://${var.data_bucket}/${var.prefix}/dump_files" },
          { name = "OPENLIB_EMR", value = "application=00f1,role=arn:aws:iam::123456789012:role/openlib-test-emr-job,code=s3://${var.data_bucket}/${var.prefix}/code,logs=/openlib-test/emr" },
        ],
      )) == 2
    ])
    error_message = "A process does not know the application, or where the files are."
  }
}

run "without_an_application_no_process_is_told_of_one" {
  command = apply
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.process : !strcontains(definition.container_definitions, "OPENLIB_EMR") && !strcontains(definition.container_definitions, "OPENLIB_DUMPS")
    ])
    error_message = "A process is told of an application that is not there."
  }
}
