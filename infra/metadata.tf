# Metadata of images, one item per upload, deleted with its files; and the configuration set by staff, one item.

resource "aws_dynamodb_table" "metadata" {
  #checkov:skip=CKV_AWS_119:DynamoDB's own key: the table contains nothing that the buckets do not.
  #checkov:skip=CKV_AWS_28:On unless var.allow_data_loss, which `make destroy` sets after asking.
  name                        = "${var.project}-metadata"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "upload"
  deletion_protection_enabled = !var.allow_data_loss

  attribute {
    name = "upload"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  # If a table is deleted while this is on, DynamoDB keeps a backup of it for 35 days.
  point_in_time_recovery {
    enabled = !var.allow_data_loss
  }

  server_side_encryption {
    enabled = true
  }
}

resource "aws_dynamodb_table" "configuration" {
  #checkov:skip=CKV_AWS_119:DynamoDB's own key: the table contains only limits and a notice.
  #checkov:skip=CKV_AWS_28:On unless var.allow_data_loss, which `make destroy` sets after asking.
  name                        = "${var.project}-configuration"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "name"
  deletion_protection_enabled = !var.allow_data_loss

  attribute {
    name = "name"
    type = "S"
  }

  point_in_time_recovery {
    enabled = !var.allow_data_loss
  }

  server_side_encryption {
    enabled = true
  }
}
