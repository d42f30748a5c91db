"""The configuration API of CloudFront. moto's own drops half of a distribution and has no policies, so that
every second plan would differ. edge.py responds to visitors.
"""

from __future__ import annotations

import base64
import threading
from xml.etree import ElementTree as ET

from werkzeug.wrappers import Request, Response

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
NOW = "2026-01-01T00:00:00.000Z"


class CloudFront:
    """The configuration API: stores the XML it receives and returns it verbatim."""

    # path segment -> (element of the response, element of the configuration)
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
            f"<Id>{name}</Id><ARN>{arn(kind, name)}</ARN><Status>Deployed</Status><DomainName>{domain_of(name)}</DomainName>"
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


def domain_of(distribution: str) -> str:
    return f"{distribution.lower()}.cloudfront.net"


def element(body: bytes, name: str) -> str:
    """Return the first element of that name, as text."""
    ET.register_namespace("", NAMESPACE)
    root = ET.fromstring(body)
    found = root if root.tag.endswith(f"}}{name}") else root.find(f".//{{{NAMESPACE}}}{name}")
    if found is None:
        raise ValueError(f"no <{name}> in {body.decode()}")
    return ET.tostring(found, encoding="unicode")


def with_empty_lists(config: str) -> str:
    """Add the lists that AWS always returns to a distribution, empty if they were not given."""
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
