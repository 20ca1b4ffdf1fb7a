# The way to the UI: an internal load balancer that asks Cognito who somebody is before it forwards, since Dagster's
# webserver lets in everybody.

resource "aws_lb" "ui" {
  #checkov:skip=CKV_AWS_150:deletion protection by variable: in prod, not in dev
  #checkov:skip=CKV2_AWS_20:there is no listener on port 80 that could redirect
  name                       = var.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [var.security_group_ids["load_balancer"]]
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection
  access_logs {
    bucket  = var.log_bucket
    prefix  = "alb"
    enabled = true
  }
}

resource "aws_lb_target_group" "webserver" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; the webserver speaks HTTP, and only to it
  name                 = "${var.name}-webserver"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = 3000
  deregistration_delay = 30
  health_check {
    path    = "/server_info"
    matcher = "200"
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.ui.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type  = "authenticate-cognito"
    order = 1
    authenticate_cognito {
      user_pool_arn              = aws_cognito_user_pool.people.arn
      user_pool_client_id        = aws_cognito_user_pool_client.ui.id
      user_pool_domain           = aws_cognito_user_pool_domain.people.domain
      on_unauthenticated_request = "authenticate"
      session_timeout            = 8 * 3600
    }
  }

  default_action {
    type             = "forward"
    order            = 2
    target_group_arn = aws_lb_target_group.webserver.arn
  }
}

resource "aws_cognito_user_pool" "people" {
  name                     = var.name
  deletion_protection      = var.deletion_protection ? "ACTIVE" : "INACTIVE"
  mfa_configuration        = "ON"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]

  software_token_mfa_configuration {
    enabled = true
  }

  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  password_policy {
    minimum_length                   = 14
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = true
    temporary_password_validity_days = 3
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }
}

resource "aws_cognito_user_pool_domain" "people" {
  domain       = "${var.name}-${var.account_id}"
  user_pool_id = aws_cognito_user_pool.people.id
}

resource "aws_cognito_user_pool_client" "ui" {
  name                                 = "ui"
  user_pool_id                         = aws_cognito_user_pool.people.id
  generate_secret                      = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_scopes                 = ["openid"]
  supported_identity_providers         = ["COGNITO"]
  prevent_user_existence_errors        = "ENABLED"
  # Where the load balancer takes people back.
  # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
  callback_urls = ["https://${var.ui_host}/oauth2/idpresponse"]
}
