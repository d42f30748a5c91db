"""The tools of agents, and their errors."""

from __future__ import annotations

import io
import json
import re
import shlex
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from converter import jobs
from converter.api import waiting
from converter.jobs.run import run
from converter.mcp.protocol import VERSIONS
from converter.mcp.tools import TOOLS
from converter.models import Batch, Job, Upload
from tests.conftest import make_photo, streamed
from tests.mcp.conftest import Agent
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.django_db

NOTHING = str(uuid.UUID(int=0))


@pytest.fixture(autouse=True)
def waited(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker run while a request waits."""

    def until_done(job: Job, seconds: float) -> bool:
        # Such as requests to the worker on commit, which a test's transaction never reaches.
        for upload in job.uploads:
            jobs.fetch(upload.pk)
        worker.work()
        run(job.upload_id)
        return True

    monkeypatch.setattr(waiting, "until_done", until_done)


@pytest.fixture
def website(settings: Any) -> Iterator[Receiver]:
    settings.CONVERTER_OUTBOUND_ALLOWED = ["127.0.0.1/32"]
    with receiver() as server:
        server.answers["/photo.jpg"] = (200, {}, make_photo(3000, 2000))
        yield server


def upload(agent: Agent, **options: Any) -> str:
    """Return the id of an uploaded image."""
    file = SimpleUploadedFile("holiday.jpg", make_photo(**options))
    answer = agent.client.post("/api/v1/uploads", {"file": file})
    return str(answer.json()["id"])


@pytest.mark.long
def test_every_answer_and_argument_has_a_schema(agent: Agent) -> None:
    tools = agent.ask("tools/list")["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["inspect", "convert", "batch", "get", "formats"]
    for tool in tools:
        assert tool["description"].endswith(".")
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        if "recipe" in tool["inputSchema"]["properties"]:
            assert "target_bytes" in tool["inputSchema"]["properties"]["recipe"]["properties"]


@pytest.mark.long
def test_under_200_kb_and_1600_px_wide_takes_one_call(agent: Agent, website: Receiver) -> None:
    recipe = {"format": "auto", "target_bytes": 200_000, "resize": {"width": 1600}}
    result = agent.result("convert", url=f"{website.url}/photo.jpg", recipe=recipe)
    job = result["structuredContent"]
    assert job["status"] == "finished"
    assert job["result"]["width"] == 1600
    assert job["report"]["resized"] == {"from": [3000, 2000], "to": [1600, 1067]}
    words, link = result["content"]
    assert link["type"] == "resource_link"
    assert link["uri"] == job["result"]["url"]
    assert link["uri"].startswith("http://testserver/results/")
    assert "1600 × 1067 px" in words["text"]
    data = streamed(Agent().client.get(link["uri"]))
    assert len(data) == link["size"] <= 200_000
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == 1600


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("it's mine.jpg", 'file=@"it\'s mine.jpg"'),
        ("a;type=b,c.jpg", 'file=@"a;type=b,c.jpg"'),
        ('12" $(id).jpg', 'file=@"12\\" $(id).jpg"'),
    ],
)
def test_the_command_names_the_file_so_that_shell_and_curl_read_it(
    agent: Agent, name: str, said: str
) -> None:
    file = {"name": name, "size": 10}
    job = agent.call("convert", file=file, recipe={"format": "webp"}, wait=0)
    assert shlex.split(job["upload"]["command"])[-2] == said


@pytest.mark.long
def test_a_file_takes_two_calls_and_its_form(agent: Agent, worker: Any) -> None:
    photo = make_photo(2000, 1000)
    file = {"name": "it's mine.jpg", "size": len(photo)}
    asked = agent.result("convert", file=file, recipe={"format": "webp", "resize": {"width": 1600}})
    job = asked["structuredContent"]
    assert (job["status"], job["result"]) == ("awaiting_upload", None)
    form = job["upload"]["form"]
    assert form["url"] == "http://testserver/uploads"
    assert "curl" in asked["content"][0]["text"]
    sent = Agent().client.post(form["url"], {**form["fields"], "file": io.BytesIO(photo)})
    assert sent.status_code == 201
    done = agent.call("get", job=job["job"], wait=20)
    assert (done["result"]["width"], done["upload"]["form"]) == (1600, None)


@pytest.mark.long
def test_an_image_is_inspected_and_then_converted_without_sending_it_again(
    agent: Agent, website: Receiver
) -> None:
    image = agent.call("inspect", url=f"{website.url}/photo.jpg")
    assert (image["found"]["format"], image["found"]["width"]) == ("jpeg", 3000)
    done = agent.call("convert", upload=image["upload"]["id"], recipe={"format": "png"})
    assert done["status"] == "finished"
    assert len(website.asked) == 1
    assert Batch.objects.filter(kept=True).count() == 1


def test_inspecting_an_upload_leaves_only_the_upload(agent: Agent) -> None:
    known = upload(agent)
    image = agent.call("inspect", upload=known)
    assert image["found"]["width"] == 64
    assert image["upload"]["id"] == known
    assert not Batch.objects.exists()
    assert Upload.objects.get().is_here


def test_a_file_is_inspected_once_it_is_there(agent: Agent) -> None:
    photo = make_photo(100, 50)
    asked = agent.call("inspect", file={"name": "a.jpg", "size": len(photo)})
    assert asked["found"] is None
    form = asked["upload"]["form"]
    Agent().client.post(form["url"], {**form["fields"], "file": io.BytesIO(photo)})
    assert agent.call("inspect", upload=asked["upload"]["id"])["found"]["width"] == 100


@pytest.mark.long
def test_a_failed_conversion_is_explained(agent: Agent, website: Receiver) -> None:
    website.answers["/page"] = (200, {}, b"<html>")
    for tool, more in (("inspect", {}), ("convert", {"recipe": {"format": "webp"}})):
        result = agent.result(tool, url=f"{website.url}/page", **more)
        assert "not_an_image" in result["content"][0]["text"]
    assert agent.result("inspect", url=f"{website.url}/page")["isError"]


@pytest.mark.long
def test_many_images_are_converted_and_paged(agent: Agent, worker: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("converter.mcp.tools.JOBS_A_PAGE", 2)
    uploads = [upload(agent, width=n) for n in (10, 20, 30)]
    asked = agent.call("batch", uploads=uploads, outputs=[{"format": "webp"}])
    assert (asked["total"], asked["done"], asked["next"]) == (3, 0, 2)
    first = agent.result("get", batch=asked["batch"], wait=5)
    assert [part["type"] for part in first["content"]] == ["text", "resource_link", "resource_link"]
    first = first["structuredContent"]
    last = agent.call("get", batch=asked["batch"], after=first["next"])
    assert (first["status"], first["done"], last["next"]) == ("finished", 3, None)
    assert [job["result"]["width"] for job in first["jobs"] + last["jobs"]] == [10, 20, 30]


def test_a_batch_hands_out_a_form_for_each_file(agent: Agent) -> None:
    files = [{"name": f"{n}.jpg", "size": 10} for n in range(3)]
    asked = agent.result("batch", files=files, outputs=[{"format": "webp"}, {"format": "png"}])
    assert [one["name"] for one in asked["structuredContent"]["uploads"]] == ["0.jpg", "1.jpg", "2.jpg"]
    assert asked["content"][0]["text"].count("curl") == 3


@pytest.mark.long
def test_several_images_are_joined_into_one_pdf(agent: Agent, website: Receiver) -> None:
    urls = [f"{website.url}/photo.jpg", f"{website.url}/photo.jpg"]
    batch = agent.call("batch", urls=urls, outputs=[{"page": "a4"}], join="pdf")
    done = agent.call("get", batch=batch["batch"], wait=20)
    assert (done["status"], done["total"]) == ("finished", 1)
    assert done["jobs"][0]["result"]["mime"] == "application/pdf"
    files = [{"name": f"{n}.jpg", "size": 10} for n in range(2)]
    asked = agent.call("batch", files=files, outputs=[{}], join="pdf")
    assert [one["name"] for one in asked["uploads"]] == ["0.jpg", "1.jpg"]


def test_formats_and_the_options_of_one_are_listed(agent: Agent) -> None:
    known = agent.call("formats", format="avif")
    avif = next(one for one in known["formats"] if one["name"] == "avif")
    assert (avif["reads"], avif["writes"], avif["alpha"]) == (True, True, True)
    assert known["options"]["properties"]["format"] == {"const": "avif"}
    assert agent.call("formats")["options"] is None
    assert "auto" in agent.result("formats", format="auto")["content"][0]["text"]
    assert agent.refused("invalid_request", "formats", format="heic")["errors"][0]["pointer"] == "/format"


@pytest.mark.long
def test_every_response_matches_its_schema_and_contains_no_image(agent: Agent, website: Receiver) -> None:
    url = f"{website.url}/photo.jpg"
    image = agent.call("inspect", url=url)["upload"]["id"]
    job = agent.call("convert", upload=image, recipe={"format": "webp"})["job"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("inspect", {"upload": image}),
        ("convert", {"url": url, "recipe": {"format": "webp"}}),
        ("convert", {"file": {"name": "a", "size": 1}, "recipe": {"format": "webp"}}),
        ("batch", {"urls": [url], "outputs": [{"format": "webp"}]}),
        ("get", {"job": job}),
        ("formats", {"format": "webp"}),
    ]
    schemas = {tool["name"]: tool["outputSchema"] for tool in agent.ask("tools/list")["result"]["tools"]}
    for name, arguments in calls:
        result = agent.result(name, **arguments)
        jsonschema.validate(result["structuredContent"], schemas[name])
        assert {part["type"] for part in result["content"]} <= {"text", "resource_link"}
        assert len(json.dumps(result)) < 20_000


# --- Errors ------------------------------------------------------------------------------------------------


def test_one_answer_is_not_each_page(agent: Agent) -> None:
    recipe = {"format": "png", "frames": "each"}
    problem = agent.refused("invalid_recipe", "convert", url="https://a.example/scan.tif", recipe=recipe)
    assert problem["errors"][0]["pointer"] == "/recipe/frames"


WEBP = {"format": "webp"}


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "pointer"),
    [
        ("convert", {"recipe": WEBP}, "invalid_request", ""),
        ("convert", {"url": "https://a.example", "upload": NOTHING, "recipe": WEBP}, "invalid_request", ""),
        (
            "convert",
            {"url": "https://a.example/", "file": {"name": "a", "size": 1}, "recipe": WEBP},
            "invalid_request",
            "",
        ),
        ("convert", {"url": "ftp://a.example", "recipe": WEBP}, "invalid_submission", "/url"),
        ("convert", {"url": "https://u:p@a.example", "recipe": WEBP}, "invalid_submission", "/url"),
        ("convert", {"url": "https://a.example"}, "invalid_request", "/recipe"),
        ("convert", {"upload": NOTHING, "recipe": WEBP}, "invalid_submission", "/upload"),
        ("convert", {"upload": "x", "recipe": WEBP}, "invalid_request", "/upload"),
        ("convert", {"file": {"name": "a", "size": 0}, "recipe": WEBP}, "empty_file", "/file/size"),
        ("convert", {"file": {"name": "a", "size": 10**12}, "recipe": WEBP}, "too_many_bytes", "/file/size"),
        (
            "convert",
            {"url": "https://a.example", "recipe": {"format": "webp", "quality": 101}},
            "invalid_recipe",
            "/recipe/quality",
        ),
        (
            "convert",
            {"url": "https://a.example", "recipe": {"format": "exe"}},
            "invalid_recipe",
            "/recipe/format",
        ),
        ("convert", {"url": "https://a.example", "recipe": WEBP, "kept": 1}, "invalid_request", "/kept"),
        ("batch", {"outputs": [WEBP]}, "no_files", None),
        (
            "batch",
            {
                "files": [{"name": "a", "size": 1}],
                "urls": ["https://a.example", "https://u:p@a.example"],
                "outputs": [WEBP],
            },
            "invalid_submission",
            "/urls/1",
        ),
        (
            "batch",
            {"files": [{"name": "a", "size": 0}], "outputs": [WEBP]},
            "empty_file",
            "/files/0/size",
        ),
        ("batch", {"uploads": [NOTHING], "outputs": [WEBP]}, "invalid_submission", "/uploads/0"),
        (
            "batch",
            {"uploads": [NOTHING], "outputs": [{"format": "x"}]},
            "invalid_recipe",
            "/outputs/0/format",
        ),
        ("batch", {"uploads": [NOTHING], "outputs": []}, "invalid_request", "/outputs"),
        ("get", {}, "invalid_request", ""),
        ("get", {"job": NOTHING}, "not_found", None),
        ("get", {"batch": NOTHING}, "not_found", None),
        ("get", {"job": NOTHING, "batch": NOTHING}, "invalid_request", ""),
        ("get", {"job": NOTHING, "wait": 21}, "invalid_request", "/wait"),
        ("inspect", {}, "invalid_request", ""),
        ("inspect", {"upload": NOTHING}, "not_found", None),
    ],
)
def test_a_wrong_argument_is_pointed_at(
    agent: Agent, tool: str, arguments: dict[str, Any], code: str, pointer: str | None
) -> None:
    problem = agent.refused(code, tool, **arguments)
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
    assert not Job.objects.exists()


@pytest.mark.long
def test_a_token_that_may_only_read_sees_and_uses_what_reads(agent: Agent, reader: Agent) -> None:
    image = upload(agent)
    job = agent.call("convert", upload=image, recipe=WEBP)
    names = [tool["name"] for tool in reader.ask("tools/list")["result"]["tools"]]
    assert names == ["inspect", "get", "formats"]
    assert reader.call("get", job=job["job"])["result"]
    assert reader.call("inspect", upload=image)["found"]
    reader.refused("read_only_token", "convert", upload=image, recipe=WEBP)
    reader.refused("read_only_token", "batch", uploads=[image], outputs=[WEBP])
    reader.refused("read_only_token", "inspect", url="https://a.example")
    assert Job.objects.count() == 1


def test_data_of_others_does_not_exist(agent: Agent, stranger: Agent) -> None:
    image = upload(agent)
    batch = agent.call("batch", uploads=[image], outputs=[WEBP])
    stranger.refused("not_found", "get", job=batch["jobs"][0]["job"])
    stranger.refused("not_found", "get", batch=batch["batch"])
    stranger.refused("not_found", "inspect", upload=image)
    stranger.refused("invalid_submission", "convert", upload=image, recipe=WEBP)
    stranger.refused("invalid_submission", "batch", uploads=[image], outputs=[WEBP])


def test_quotas_are_those_of_the_api(agent: Agent, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 1
    image = upload(agent)
    agent.call("convert", upload=image, recipe=WEBP)
    agent.refused("quota_exceeded", "convert", upload=image, recipe={"format": "png"})


@pytest.mark.long
def test_an_expired_image_is_reported_as_expired(agent: Agent) -> None:
    image = upload(agent)
    job = agent.call("convert", upload=image, recipe=WEBP)["job"]
    agent.client.delete(f"/api/v1/batches/{Batch.objects.get().pk}")
    agent.refused("not_found", "get", job=job)
    Upload.objects.update(deleted_at="2026-01-01T00:00:00Z")
    if Upload.objects.exists():
        agent.refused("expired", "inspect", upload=image)


def test_an_internal_error_is_a_problem_too(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setitem(TOOLS, "formats", replace(TOOLS["formats"], run=broken))
    agent.client.raise_request_exception = False
    assert "secret" not in json.dumps(agent.refused("internal_error", "formats"))


def test_the_guide_names_every_tool() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "mcp.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE) == list(TOOLS)
    for version in VERSIONS:
        assert version in guide


def test_an_error_is_reported_once(agent: Agent) -> None:
    answer = agent.ask("tools/call", {"name": "convert", "arguments": {}})["result"]
    lines = answer["content"][0]["text"].splitlines()
    assert lines[1:] == ["/recipe: Field required."]
