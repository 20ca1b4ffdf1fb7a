output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "The private subnets, one a zone."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "security_group_ids" {
  description = "The security groups, by who is in them."
  value       = { for name, group in aws_security_group.this : name => group.id }
}

output "nat_addresses" {
  description = "The public addresses under which Open Library sees the project."
  value       = [for address in aws_eip.nat : address.public_ip]
}
