"""A mock AWS on free ports: moto, plus what Terraform, Zappa, the functions and visitors need and moto lacks.

moto checks shape, order and references, but few of AWS's own rules. Rules that once stopped a deploy, or
whose violation would go unnoticed, are added beside it: permissions and passing of roles (iam.py, roles.py),
values (values.py, shapes.py, aurora.py), API Gateway (rest_api.py), S3's forms and links (guard.py), the edge
(edge.py), alarms (alarms.py).
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.budgets.responses import BudgetsResponse
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.logs.responses import LogsResponse
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.rds.models import DBCluster, RDSBackend
from moto.rekognition.responses import RekognitionResponse
from moto.s3.models import FakeDeleteMarker
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from infra.tests.cloudfront import CloudFront
from infra.tests.edge import Edge
from tests.cloud import aurora, cognito, rest_api, roles, shapes, values, versions
from tests.cloud.aws import Routes, invoke_with
from tests.cloud.guard import Guard
from tests.cloud.iam import ACCOUNT, REGION, Gatekeeper
from tests.cloud.lambdas import Fleet
from tests.cloud.roles import Roles

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def mend_moto(patch: pytest.MonkeyPatch) -> None:
    """Fix the responses that Terraform waits for and that moto lacks or gets wrong."""
    _mend_iam(patch)
    _mend_budgets(patch)
    _mend_queries(patch)
    _mend_security_groups(patch)
    _mend_rekognition(patch)
    # moto closes the file behind each deleted object version; delete markers have none.
    patch.setattr(FakeDeleteMarker, "dispose", lambda self: None, raising=False)
    patch.setattr("moto.settings.ACM_VALIDATION_WAIT", 0)
    # Newer than moto's list: docs.aws.amazon.com/cognito/latest/developerguide/vpc-interface-endpoints.html
    patch.setattr("moto.ec2.models.vpcs.AWS_ENDPOINT_SERVICES", [*AWS_ENDPOINT_SERVICES, "cognito-idp"])
    patch.setattr(RDSBackend, "create_db_cluster", aurora.create_db_cluster)
    # A Serverless v2 cluster has no v1 scaling; moto returns an empty one, which Terraform reads as a change.
    patch.setattr(DBCluster, "scaling_configuration_info", None)


def _mend_iam(patch: pytest.MonkeyPatch) -> None:
    permitted = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self: IAMPolicyStatement, *args: Any, **kwargs: Any) -> PermissionResult:
        # moto ignores conditions, so a bucket that denies plain HTTP would deny everything. guard.py checks forms.
        if re.search("aws:SecureTransport|s3:authType", json.dumps(self._statement.get("Condition", {}))):
            return PermissionResult.NEUTRAL
        return permitted(self, *args, **kwargs)

    patch.setattr(IAMPolicyStatement, "is_action_permitted", is_action_permitted)


def _mend_budgets(patch: pytest.MonkeyPatch) -> None:
    create_budget = BudgetsResponse.create_budget
    budget_tags: list[Any] = []

    def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        asked = self._get_param("Notification")
        subscribers: list[Any] = []
        for notification in budget.notifications:
            if notification.details["NotificationType"] == asked["NotificationType"]:
                subscribers = list(notification.subscribers)
        return json.dumps({"Subscribers": subscribers})

    def create_budget_with_tags(self: BudgetsResponse) -> str:
        budget_tags[:] = self._get_param("ResourceTags", [])
        return create_budget(self)

    def list_tags_for_resource(self: BudgetsResponse) -> str:
        return json.dumps({"ResourceTags": budget_tags})

    patch.setattr(BudgetsResponse, "create_budget", create_budget_with_tags)
    for answer in (describe_subscribers_for_notification, list_tags_for_resource):
        patch.setattr(BudgetsResponse, answer.__name__, answer, raising=False)


def _mend_queries(patch: pytest.MonkeyPatch) -> None:
    queries: dict[str, dict[str, Any]] = {}

    def put_query_definition(self: LogsResponse) -> str:
        name = self._get_param("queryDefinitionId") or f"q-{len(queries) + 1}"
        queries[name] = {
            "queryDefinitionId": name,
            "name": self._get_param("name"),
            "queryString": self._get_param("queryString"),
            "logGroupNames": self._get_param("logGroupNames"),
        }
        return json.dumps({"queryDefinitionId": name})

    def describe_query_definitions(self: LogsResponse) -> str:
        return json.dumps({"queryDefinitions": list(queries.values())})

    def delete_query_definition(self: LogsResponse) -> str:
        return json.dumps({"success": queries.pop(self._get_param("queryDefinitionId"), None) is not None})

    for missing in (put_query_definition, describe_query_definitions, delete_query_definition):
        patch.setattr(LogsResponse, missing.__name__, missing, raising=False)


def _mend_rekognition(patch: pytest.MonkeyPatch) -> None:
    def detect_moderation_labels(self: RekognitionResponse) -> str:
        return json.dumps({"ModerationLabels": [], "ModerationModelVersion": "7.0"})

    patch.setattr(RekognitionResponse, "detect_moderation_labels", detect_moderation_labels, raising=False)


def _mend_security_groups(patch: pytest.MonkeyPatch) -> None:
    # moto stores the description of a rule between groups, but omits it from its responses.
    def description(self: SecurityGroupRule) -> str | None:
        return self.ip_range.get("Description") or self.source_group.get("Description")

    patch.setattr(SecurityGroupRule, "description", property(description))


@dataclass
class MockAws:
    """The addresses of the mock, and a record of what happened inside."""

    url: str
    edge_port: int
    fleet: Fleet
    gatekeeper: Gatekeeper
    cloudfront: CloudFront
    shapes: shapes.Shapes
    call_api: Callable[
        [str, dict[str, Any]], str
    ]  # maps host and proxy event to a response, as API Gateway does


@contextmanager
def mock_aws(folder: Path) -> Iterator[MockAws]:
    """Serve the mock; functions are unpacked in `folder`."""
    cloudfront = CloudFront()
    fleet = Fleet(folder, {})
    moto = Guard(Routes(DomainDispatcherApplication(create_backend_app), fleet))

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/2020-05-31/"):
            return cloudfront(Request(environ))(environ, start_response)
        return moto(environ, start_response)

    def invoke(name: str, event: dict[str, Any]) -> tuple[str, bool, str]:
        return fleet.invoke(lambda_backends[ACCOUNT][REGION].get_function(name), event)

    def call_api(host: str, event: dict[str, Any]) -> str:
        return rest_api.call(host, event, invoke)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as servers:
        mend_moto(patch)
        cognito.patch(patch.setattr)
        roles.patch(patch.setattr)
        versions.patch(patch.setattr)
        patch.setattr(LambdaFunction, "invoke", invoke_with(fleet))
        described = shapes.Shapes(application)
        gatekeeper = Gatekeeper(Roles(values.Values(described)))
        url = f"http://127.0.0.1:{servers.enter_context(serving(gatekeeper))}"
        s3 = boto3.client("s3", endpoint_url=url, region_name=REGION, **KEYS)  # type: ignore[call-overload]
        edge_port = servers.enter_context(serving(Edge(cloudfront, s3, call_api)))
        fleet.environment.update(
            AWS_ENDPOINT_URL=url,
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            AWS_SECRET_ACCESS_KEY=KEYS["aws_secret_access_key"],
        )
        servers.callback(fleet.close)
        yield MockAws(url, edge_port, fleet, gatekeeper, cloudfront, described, call_api)


def fetch_from_mock(url: str) -> bytes:
    """Fetch what Cognito publishes for a pool, or the code of a version in Lambda."""
    if url.startswith(versions.HOST):
        return versions.code_at(url)
    path = url.partition(".amazonaws.com")[2]
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}{path}") as answer:
        return bytes(answer.read())


@contextmanager
def serving(application: Application) -> Iterator[int]:
    """Serve the application on a free port and yield the port."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
