# What is known of each image: one item per upload, gone with the files; and what staff set for the site: one item.

resource "aws_dynamodb_table" "metadata" {
  #checkov:skip=CKV_AWS_119:DynamoDB's own key: the table holds nothing that the buckets do not.
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

  # Of a table that goes with it on, DynamoDB keeps all items for 35 days more.
  point_in_time_recovery {
    enabled = !var.allow_data_loss
  }

  server_side_encryption {
    enabled = true
  }
}

resource "aws_dynamodb_table" "configuration" {
  #checkov:skip=CKV_AWS_119:DynamoDB's own key: the table holds limits and a notice.
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
