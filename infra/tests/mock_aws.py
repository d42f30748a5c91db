"""A mock AWS on a free port for Terraform: moto, with what Terraform needs and moto lacks put in front of it.

moto checks shape, order and references, hardly any of AWS's own rules and no permissions: that everything applies
here says that the description is whole and stable, not that AWS accepts every value.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from moto.budgets.responses import BudgetsResponse
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.logs.responses import LogsResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.models import DBCluster
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
NOW = "2026-01-01T00:00:00.000Z"


class CloudFront:
    """CloudFront's configuration API: keeps the XML it is given and gives it back word for word.

    moto's own drops half of a distribution and knows no policies, so that every second plan would differ.
    """

    # path segment -> (element of the answer, element of the configuration)
    KINDS = {
        "distribution": ("Distribution", "DistributionConfig"),
        "key-group": ("KeyGroup", "KeyGroupConfig"),
        "origin-access-control": ("OriginAccessControl", "OriginAccessControlConfig"),
        "public-key": ("PublicKey", "PublicKeyConfig"),
        "response-headers-policy": ("ResponseHeadersPolicy", "ResponseHeadersPolicyConfig"),
    }

    def __init__(self) -> None:
        self.configs: dict[tuple[str, str], str] = {}
        self.functions: dict[str, dict[str, str]] = {}
        self.tags: dict[str, str] = {}
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        kind, *rest = request.path.removeprefix("/2020-05-31/").split("/")
        with self.lock:
            if kind == "tagging":
                return self.tagging(request)
            if kind == "function":
                return self.function(request, *rest)
            return self.thing(request, kind, *rest)

    def thing(self, request: Request, kind: str, name: str = "", _config: str = "") -> Response:
        _, config_element = self.KINDS[kind]
        if request.method == "POST":
            name = f"E{len(self.configs) + 1:012d}"
            self.configs[kind, name] = element(request.get_data(), config_element)
            if "WithTags" in request.args:
                self.tags[arn(kind, name)] = element(request.get_data(), "Tags")
            return self.answer(kind, name, 201)
        if (kind, name) not in self.configs:
            return error(404, f"NoSuch{kind.title().replace('-', '')}")
        if request.method == "PUT":
            self.configs[kind, name] = element(request.get_data(), config_element)
        elif request.method == "DELETE":
            del self.configs[kind, name]
            return Response(status=204)
        return self.answer(kind, name, 200)

    def answer(self, kind: str, name: str, status: int) -> Response:
        wrapper, _ = self.KINDS[kind]
        config = self.configs[kind, name]
        if kind == "distribution":
            config = with_empty_lists(config)
        facts = (
            f"<Id>{name}</Id><ARN>{arn(kind, name)}</ARN><Status>Deployed</Status><DomainName>{name.lower()}.cloudfront.net</DomainName>"
            f"<InProgressInvalidationBatches>0</InProgressInvalidationBatches>"
            f"<LastModifiedTime>{NOW}</LastModifiedTime><CreatedTime>{NOW}</CreatedTime>"
        )
        return xml(f'<{wrapper} xmlns="{NAMESPACE}">{facts}{config}</{wrapper}>', status)

    def function(self, request: Request, name: str = "", act: str = "") -> Response:
        if request.method == "POST" and not name:
            root = ET.fromstring(request.get_data())
            name = root.findtext(f"{{{NAMESPACE}}}Name", "")
            self.functions[name] = {}
        if name not in self.functions:
            return error(404, "NoSuchFunctionExists")
        if request.method == "DELETE":
            del self.functions[name]
            return Response(status=204)
        kept = self.functions[name]
        if request.method == "PUT" or (request.method == "POST" and act != "publish"):
            root = ET.fromstring(request.get_data())
            kept["config"] = element(request.get_data(), "FunctionConfig")
            kept["code"] = root.findtext(f"{{{NAMESPACE}}}FunctionCode", "")
        if request.method == "GET" and act != "describe":
            code = base64.b64decode(kept["code"])
            return Response(code, headers={"ETag": "E1"}, content_type="application/octet-stream")
        metadata = (
            f"<FunctionARN>{arn('function', name)}</FunctionARN>"
            f"<Stage>LIVE</Stage><LastModifiedTime>{NOW}</LastModifiedTime>"
        )
        summary = (
            f'<FunctionSummary xmlns="{NAMESPACE}"><Name>{name}</Name><Status>DEPLOYED</Status>{kept["config"]}'
            f"<FunctionMetadata>{metadata}</FunctionMetadata></FunctionSummary>"
        )
        return xml(summary, 201 if request.method == "POST" and not act else 200)

    def tagging(self, request: Request) -> Response:
        name = request.args["Resource"]
        if request.method == "POST":
            self.tags[name] = element(request.get_data(), "Tags")
            return Response(status=204)
        return xml(self.tags.get(name, f'<Tags xmlns="{NAMESPACE}"><Items/></Tags>'))


def arn(kind: str, name: str) -> str:
    return f"arn:aws:cloudfront::123456789012:{kind}/{name}"


def element(body: bytes, name: str) -> str:
    """Return the first element of that name, as text."""
    ET.register_namespace("", NAMESPACE)
    root = ET.fromstring(body)
    found = root if root.tag.endswith(f"}}{name}") else root.find(f".//{{{NAMESPACE}}}{name}")
    if found is None:
        raise ValueError(f"no <{name}> in {body.decode()}")
    return ET.tostring(found, encoding="unicode")


def with_empty_lists(config: str) -> str:
    """Add to a distribution the lists that AWS always answers, empty where nothing was given."""
    root = ET.fromstring(config)
    for name in ("Aliases", "CacheBehaviors", "CustomErrorResponses", "OriginGroups"):
        if root.find(f"{{{NAMESPACE}}}{name}") is None:
            ET.SubElement(
                ET.SubElement(root, f"{{{NAMESPACE}}}{name}"), f"{{{NAMESPACE}}}Quantity"
            ).text = "0"
    return ET.tostring(root, encoding="unicode")


def xml(text: str, status: int = 200) -> Response:
    headers = {"ETag": "E1", "Location": "https://cloudfront.amazonaws.com/"}
    return Response(text, status, headers, content_type="text/xml")


def error(status: int, code: str) -> Response:
    text = f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Code>{code}</Code><Message>{code}</Message></Error></ErrorResponse>'
    return Response(text, status, content_type="text/xml")


def mend_moto(patch: pytest.MonkeyPatch) -> None:
    """Give moto the answers that Terraform waits for and moto lacks or has wrong."""
    permitted = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self: IAMPolicyStatement, *args: Any, **kwargs: Any) -> PermissionResult:
        # moto ignores conditions: a bucket that refuses plain HTTP would refuse everybody.
        if "aws:SecureTransport" in json.dumps(self._statement.get("Condition", {})):
            return PermissionResult.NEUTRAL
        return permitted(self, *args, **kwargs)

    def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        asked = self._get_param("Notification")
        subscribers: list[Any] = []
        for notification in budget.notifications:
            if notification.details["NotificationType"] == asked["NotificationType"]:
                subscribers = list(notification.subscribers)
        return json.dumps({"Subscribers": subscribers})

    patch.setattr(IAMPolicyStatement, "is_action_permitted", is_action_permitted)
    create_budget = BudgetsResponse.create_budget
    budget_tags: list[Any] = []

    def create_budget_with_tags(self: BudgetsResponse) -> str:
        budget_tags[:] = self._get_param("ResourceTags", [])
        return create_budget(self)

    def list_tags_for_resource(self: BudgetsResponse) -> str:
        return json.dumps({"ResourceTags": budget_tags})

    patch.setattr(BudgetsResponse, "create_budget", create_budget_with_tags)
    for answer in (describe_subscribers_for_notification, list_tags_for_resource):
        patch.setattr(BudgetsResponse, answer.__name__, answer, raising=False)
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
    patch.setattr("moto.settings.ACM_VALIDATION_WAIT", 0)

    # moto keeps the description of a rule between groups and forgets to tell it.
    def description(self: SecurityGroupRule) -> str | None:
        return self.ip_range.get("Description") or self.source_group.get("Description")

    patch.setattr(SecurityGroupRule, "description", property(description))
    # A cluster of Serverless v2 has no scaling of v1; moto answers an empty one, which reads as a difference.
    patch.setattr(DBCluster, "scaling_configuration_info", None)


@contextmanager
def mock_aws() -> Iterator[str]:
    """Serve the mock and yield its URL."""
    moto = DomainDispatcherApplication(create_backend_app)
    cloudfront = CloudFront()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/2020-05-31/"):
            return cloudfront(Request(environ))(environ, start_response)
        if environ["PATH_INFO"] == "/2016-08-19/account-settings":
            limits = {"AccountLimit": {"ConcurrentExecutions": 1000}}
            return Response(json.dumps(limits), content_type="application/json")(environ, start_response)
        answer: Iterable[bytes] = moto(environ, start_response)
        return answer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        mend_moto(patch)
        server = make_server("127.0.0.1", 0, application, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
