# Responses of AWS, with the values of the example in zappa_settings.json.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_data "aws_availability_zones" {
  defaults = {
    names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  }
}

mock_data "aws_vpc_endpoint_service" {
  defaults = {
    availability_zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  }
}

mock_data "aws_lambda_functions" {
  defaults = {
    function_names = []
  }
}

mock_data "aws_api_gateway_rest_api" {
  defaults = {
    id = "a1b2c3d4e5"
  }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    domain_validation_options = [
      {
        domain_name           = "images.example.com"
        resource_record_name  = "_1.images.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_1.acm-validations.aws."
      },
      {
        domain_name           = "example.com"
        resource_record_name  = "_2.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_2.acm-validations.aws."
      },
    ]
  }
}

mock_resource "aws_acm_certificate_validation" {
  defaults = {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn         = "arn:aws:cloudfront::123456789012:distribution/E1"
    domain_name = "d111111abcdef8.cloudfront.net"
  }
}

mock_resource "aws_cloudfront_function" {
  defaults = {
    arn = "arn:aws:cloudfront::123456789012:function/imagesite-viewer-request"
  }
}

mock_resource "aws_cloudfront_public_key" {
  defaults = {
    id = "K2JCJMDEHXQW5F"
  }
}

mock_resource "aws_cloudwatch_log_delivery_destination" {
  defaults = {
    arn = "arn:aws:logs:us-east-1:123456789012:delivery-destination:imagesite"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:mock"
  }
}

mock_resource "aws_cognito_user_pool" {
  defaults = {
    id  = "eu-west-1_Example01"
    arn = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/imagesite"
  }
}

mock_resource "aws_cognito_user_pool_client" {
  defaults = {
    id = "3n4b5urk1ft4fl3mg5e62d9ado"
  }
}

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/imagesite-metadata"
  }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = {
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/imagesite-mock"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-west-1:123456789012:imagesite-alarms"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-west-1:123456789012:imagesite-production-worker-failed"
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/imagesite-production-worker-failed"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/imagesite/1"
  }
}
