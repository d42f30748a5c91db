from __future__ import annotations

import re
from pathlib import Path

import botocore.loaders
import pytest
from botocore import xform_name
from botocore.model import ServiceModel
from packaging.markers import Marker

from infra import costs, scale

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
SCALE = (ROOT / "docs" / "scale.md").read_text()


def test_the_costs_in_the_docs_are_the_computed_ones() -> None:
    assert costs.table() in DEPLOY
    assert costs.price_table() in DEPLOY


def test_the_dashboard_estimates_with_the_same_prices() -> None:
    text = (ROOT / "infra" / "dashboard.tf").read_text()
    told = {name: float(price) for name, price in re.findall(r"^    (\w+) += (0\.0\d+)$", text, re.MULTILINE)}
    assert told == pytest.approx(
        {
            "lambda_request": costs.PRICES["lambda_request"],
            "lambda_gb_second": costs.PRICES["lambda_gb_second"],
            "api_request": costs.PRICES["api_request"],
            "cloudfront_byte": costs.PRICES["cloudfront_gb"] / 1e9,
        }
    )


def test_every_alarm_has_its_chapter_and_every_chapter_its_alarm() -> None:
    text = (ROOT / "infra" / "alarms.tf").read_text()
    listed = re.findall(r"^    ([a-z-]+) = \{$", text, re.MULTILINE)
    alone = re.findall(r'alarm_name += "\$\{var\.project\}-([a-z-]+)"', text)
    chapters = re.findall(r"^### ([a-z]+(?:-[a-z]+)+)$", DEPLOY, re.MULTILINE)
    assert sorted(chapters) == sorted(listed + alone)
    assert len(listed + alone) == costs.ALARMS


def test_every_variable_named_in_the_docs_exists() -> None:
    variables = set(
        re.findall(r'^variable "(\w+)"', (ROOT / "infra" / "variables.tf").read_text(), re.MULTILINE)
    )
    named = set(re.findall(r"`(\w+) = [^`]+`", DEPLOY + SCALE)) | set(
        re.findall(r"`(\w+_concurrency)`", DEPLOY + SCALE)
    )
    assert named
    assert named <= variables


COMMANDS = re.findall(
    r"\baws ([a-z0-9-]+) ([a-z0-9-]+)((?: [^\s`|$]+)*)",
    "\n".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    .replace("\\\n", " ")
    .replace("  ", " "),
)


def test_every_command_of_aws_in_the_docs_is_one_with_these_options() -> None:
    """The AWS command line is generated from the same service descriptions."""
    loader = botocore.loaders.create_loader()
    seen = 0
    for service, command, rest in COMMANDS:
        if service in ("configure", "login", "s3", "sso") or command == "wait":
            continue
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        operation = model.operation_model(
            {xform_name(name, "-"): name for name in model.operation_names}[command]
        )
        assert operation.input_shape
        known = {xform_name(name, "-") for name in operation.input_shape.members}
        given = set(re.findall(r" --([a-z0-9-]+)", rest)) - {"output", "profile", "query", "region"}
        assert given <= known | {f"no-{name}" for name in known}, f"{service} {command}"
        seen += len(given)
    assert seen > 20


def test_every_step_of_a_deploy_is_documented() -> None:
    walk = (ROOT / "infra" / "deploy.py").read_text()
    up = walk[walk.index("def up") : walk.index("def down")]
    for step in re.findall(r'Step\(\s*"([a-z ]+)"', up):
        assert re.search(rf"^\| [a-z, ]*\b{step}\b[a-z, ]* \|", DEPLOY, re.MULTILINE), step


def test_the_burst_table_in_the_docs_is_the_simulated_one() -> None:
    assert scale.table() in SCALE


def test_every_upload_of_a_burst_ends_in_exactly_one_way() -> None:
    for uploads, workers in scale.CASES:
        out = scale.simulate(uploads, workers)
        assert out.finished + out.failed + out.given_up == uploads


def test_more_workers_never_increase_the_wait() -> None:
    waits = [scale.simulate(50_000, workers).longest_wait for workers in (5, 10, 20, 40, 80)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[-1] == 0


def test_enough_workers_leave_no_queue() -> None:
    out = scale.simulate(3_600, 10)
    assert out.longest_wait == 0
    assert out.busiest <= 10


def test_waiting_grows_as_the_arithmetic_says() -> None:
    # 40 uploads per second for an hour at 8 per second: the last one waits (144,000 / 8) - 3,600 seconds.
    given = scale.Assumptions(fault_rate=0.0)
    out = scale.simulate(144_000, 20, given)
    assert abs(out.longest_wait - (144_000 / 8 - 3_600)) <= 2


def test_events_older_than_six_hours_are_dropped() -> None:
    out = scale.simulate(1_000_000, 20, scale.Assumptions(fault_rate=0.0))
    # Seven hours of work are done (one of arrivals, six of waiting), the rest is dropped.
    assert abs(out.finished - 7 * 3_600 * 8) <= 16 * 8
    assert out.given_up == 1_000_000 - out.finished


def test_faults_cost_attempts_but_no_images() -> None:
    calm = scale.simulate(10_000, 20, scale.Assumptions(fault_rate=0.0))
    rough = scale.simulate(10_000, 20, scale.Assumptions(fault_rate=0.05))
    assert rough.finished + rough.failed == calm.finished == 10_000
    assert rough.failed <= 10_000 * 0.05**3 * 2
    assert rough.usd > calm.usd


def test_packages_without_a_wheel_for_linux_on_arm_are_named() -> None:
    lines = re.findall(r"^(\S+)==\S+ ; (.+?) \\$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    def there(machine: str) -> set[str]:
        linux = {"platform_machine": machine, "sys_platform": "linux", "platform_system": "Linux"}
        return {name for name, marker in lines if Marker(marker).evaluate(linux)}

    section = DEPLOY.partition("**ARM (Graviton)**")[2].partition("\n\n")[0]
    assert there("x86_64") - there("aarch64") == set(re.findall(r"\(([a-z-]+)\)", section))
