# Only in aurora mode: two private subnets with endpoints of the AWS services that the functions call. No inbound access;
# outbound access only with outbound_internet.

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:The first two by name; a new zone comes last.
  state = "available"

  # A zone of us-east-1 that Aurora Serverless and Lambda do not support. Its letter differs between accounts:
  # docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/limitless-reqs-limits.html
  exclude_zone_ids = ["use1-az3"]

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  network = local.in_network ? 1 : 0
  nat     = local.in_network && var.outbound_internet ? 1 : 0

  # Services that the functions call and that have no free gateway endpoint, unlike S3 and DynamoDB.
  interface_services = concat(["ssm", "cognito-idp", "lambda"], var.labels ? ["rekognition"] : [])

  zones = [
    for zone in data.aws_availability_zones.available.names : zone
    if alltrue([for service in data.aws_vpc_endpoint_service.interface : contains(service.availability_zones, zone)])
  ]
}

# Not every service has an endpoint in every zone, and AWS rejects subnets in other zones. If a region has none, the plan fails.
data "aws_vpc_endpoint_service" "interface" {
  for_each = toset(local.in_network ? local.interface_services : [])

  service      = each.key
  service_type = "Interface"
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:Flow logs of two functions and a database would cost more than they tell.
  count = local.network

  cidr_block           = "10.20.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.project }
}

resource "aws_default_security_group" "closed" {
  count = local.network

  vpc_id = aws_vpc.this[0].id
}

resource "aws_subnet" "private" {
  count = 2 * local.network

  vpc_id            = aws_vpc.this[0].id
  cidr_block        = cidrsubnet(aws_vpc.this[0].cidr_block, 4, count.index)
  availability_zone = local.zones[count.index]

  tags = { Name = "${var.project}-private-${count.index}" }

  # A zone that gets endpoints later may sort before these; existing subnets must not move.
  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_route_table" "private" {
  count = local.network

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.project}-private" }
}

resource "aws_route_table_association" "private" {
  count = 2 * local.network

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_security_group" "functions" {
  #checkov:skip=CKV2_AWS_5:Zappa attaches it to both functions.
  count = local.network

  name        = "${var.project}-functions"
  description = "The web and worker functions."
  vpc_id      = aws_vpc.this[0].id
}

resource "aws_security_group" "endpoints" {
  count = local.network

  name        = "${var.project}-endpoints"
  description = "The doors to AWS services."
  vpc_id      = aws_vpc.this[0].id
}

resource "aws_security_group" "database" {
  count = local.network

  name        = "${var.project}-database"
  description = "PostgreSQL."
  vpc_id      = aws_vpc.this[0].id
}

resource "aws_vpc_security_group_egress_rule" "functions_https" {
  count = local.network

  security_group_id = aws_security_group.functions[0].id
  description       = "AWS services, and webhooks if outbound access is on."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "functions_database" {
  count = local.network

  security_group_id            = aws_security_group.functions[0].id
  description                  = "PostgreSQL."
  referenced_security_group_id = aws_security_group.database[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database_functions" {
  count = local.network

  security_group_id            = aws_security_group.database[0].id
  description                  = "Only the functions."
  referenced_security_group_id = aws_security_group.functions[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_functions" {
  count = local.network

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "Only the functions."
  referenced_security_group_id = aws_security_group.functions[0].id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(local.in_network ? ["s3", "dynamodb"] : [])

  vpc_id            = aws_vpc.this[0].id
  service_name      = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private[0].id]
}

# In one zone by default: a second one doubles the price, and the functions reach the first from both zones.
resource "aws_vpc_endpoint" "interface" {
  for_each = toset(local.in_network ? local.interface_services : [])

  vpc_id              = aws_vpc.this[0].id
  service_name        = data.aws_vpc_endpoint_service.interface[each.key].service_name
  vpc_endpoint_type   = "Interface"
  subnet_ids          = slice(aws_subnet.private[*].id, 0, var.high_availability ? 2 : 1)
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
}

# --- Optional outbound access ---

resource "aws_subnet" "public" {
  count = local.nat

  vpc_id            = aws_vpc.this[0].id
  cidr_block        = cidrsubnet(aws_vpc.this[0].cidr_block, 4, 2)
  availability_zone = aws_subnet.private[0].availability_zone

  tags = { Name = "${var.project}-public" }
}

resource "aws_internet_gateway" "this" {
  count = local.nat

  vpc_id = aws_vpc.this[0].id
}

resource "aws_eip" "nat" {
  count = local.nat

  domain = "vpc"
}

resource "aws_nat_gateway" "this" {
  count = local.nat

  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[0].id

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  count = local.nat

  vpc_id = aws_vpc.this[0].id
}

resource "aws_route" "out" {
  count = local.nat

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  count = local.nat

  subnet_id      = aws_subnet.public[0].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_route" "private_out" {
  count = local.nat

  route_table_id         = aws_route_table.private[0].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[0].id
}
