"""A message is a code with parameters, with a template, a German translation, an explanation and a status."""

from __future__ import annotations

import ast
import gettext as catalogues
import json
import re
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from converter import engine, jobs, outbound
from converter.engine import RECIPE_SCHEMA, naming
from converter.engine.messages import TEMPLATES, Message, register
from converter.problems import ERRORS, CodedError
from converter.translation import recipe_sentence, translated, translated_row
from converter.web import texts
from imagesite.accounts.cognito import errors as cognito

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [*(ROOT / "converter").rglob("*.py"), *(ROOT / "imagesite").rglob("*.py")]
LANGUAGES = [code for code, _ in settings.LANGUAGES]
ROOMS_OWN = {key for key in TEMPLATES if key.startswith("word.")}


def sample(key: str) -> Message:
    """Return a message with this template, with a value for each placeholder."""
    code, _, kind = key.partition(".")
    params: dict[str, Any] = {"kind": kind} if kind else {}
    for _text, name, spec, _conversion in string.Formatter().parse(TEMPLATES[key]):
        if name == "problems":
            params[name] = [Message("no_files"), Message("option_missing", {"option": "Quality"})]
        elif name:
            params[name] = {
                "M": 12_500_000,
                "B": 12_500_000,
                ",": 1_200_000,
                ".3f": 0.98765,
                "word": "queued",
            }.get(spec or "", 1600)
    return Message(code, params)


SAMPLES = {key: sample(key) for key in sorted(TEMPLATES.keys() - ROOMS_OWN)}


# --- Every message in every language ----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_filled_in_every_language(language: str) -> None:
    with translation.override(language):
        said = {key: translated(message) for key, message in SAMPLES.items()}
    assert {key: text for key, text in said.items() if not text or re.search(r"[{}]", text)} == {}


def test_english_is_the_same_for_programs_and_people() -> None:
    with translation.override("en"):
        assert {key: translated(message) for key, message in SAMPLES.items()} == {
            key: message.text for key, message in SAMPLES.items()
        }


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_template_is_translated(language: str) -> None:
    path = ROOT / "locale" / language / "LC_MESSAGES/django.mo"
    with path.open("rb") as file:
        known = set(catalogues.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
    titles = {key.removeprefix("word.") for key in texts.for_messages() if key.startswith("word.")}
    assert (set(TEMPLATES.values()) | {title for title in titles if title[0].isupper()}) - known == set()


def test_a_template_belongs_to_one_room() -> None:
    with pytest.raises(ValueError, match="no_files"):
        register({"no_files": "Again."})


def test_numbers_and_words_of_ours_are_written_in_the_readers_language() -> None:
    too_large = Message("too_many_bytes", {"size": 12_500_000, "most": 10_000_000})
    with translation.override("de"):
        assert "12,5 MB" in translated(too_large)
        assert "10 MB" in translated(too_large)
        assert "1.200.000 Bytes" in translated(Message("bytes_met", {"quality": 71, "target": 1_200_000}))
        assert "Ähnlichkeit 0,988" in translated(SAMPLES["quality_chosen"])
        assert translated(SAMPLES["quality_chosen.score"]).startswith("Qualität")
        assert translated(Message("option_missing", {"option": "Width"})) == "Breite fehlt."
        assert translated(Message("no_result", {"state": "queued"})).endswith("in der Warteschlange.")
    assert "12.5 MB" in too_large.text
    assert Message("no_result", {"state": "queued"}).text == "This job has no result: it is in the queue."


@pytest.mark.parametrize(
    ("count", "english", "german"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1000, "1 KB", "1 KB"),
        (50_000, "50 KB", "50 KB"),
        (999_900, "999.9 KB", "999,9 KB"),
        (1_000_000, "1 MB", "1 MB"),
        (12_500_000, "12.5 MB", "12,5 MB"),
        (50_000_000_000, "50 GB", "50 GB"),
        (2_147_483_648, "2.15 GB", "2,15 GB"),
    ],
)
def test_a_size_has_the_unit_that_fits(count: int, english: str, german: str) -> None:
    message = Message("quota_exceeded", {"kind": "bytes", "most": count})
    assert f"more than your {english} of storage" in message.text
    with translation.override("de"):
        assert german in translated(message)


def test_a_message_within_a_message_is_translated_too() -> None:
    inner = Message("too_many_frames", {"most": 500})
    message = Message("watermark_unusable", {"reason": inner})
    with translation.override("de"):
        assert translated(message).endswith(translated(inner))
        stored = json.loads(json.dumps(message.plain_params))
        assert translated(Message("watermark_unusable", stored)) == translated(message)


def test_user_content_is_not_translated() -> None:
    recipe = engine.Recipe.parse({"format": "jpeg", "watermark": {"text": "metadata kept"}})
    with translation.override("de"):
        assert "Wasserzeichen „metadata kept“" in recipe_sentence(recipe)


def test_messages_stored_before_codes_had_parameters_are_shown_unchanged() -> None:
    with translation.override("de"):
        assert translated_row("truncated", None, "It ends.") == "It ends."
        assert translated_row("of_old", {}, "It ends.") == "It ends."
        assert translated_row("flipped", {"direction": "left to right"}, "Flipped.") == "Flipped."


# --- Every code that is raised ----------------------------------------------------------------------------


def subclasses(cls: type) -> set[type]:
    return {cls}.union(*map(subclasses, cls.__subclasses__()))


CODED_ERRORS = {cls.__name__: cls for cls in subclasses(CodedError)}
ENGINE_ERRORS = {cls.__name__: cls for cls in subclasses(engine.EngineError)}
WITHIN = re.compile("option_|format_|recipe_|reason_")


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield every call in our source with the last part of the called name."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                yield path, node, name


def literal(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def kind_of(node: ast.Call) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg == "kind"), None)


def raised() -> Iterator[tuple[str, str, str | None]]:
    """Yield location, code and kind of every message in our source; the kind is "*" if not known statically."""
    for path, node, name in calls():
        first = literal(node.args[0]) if node.args else None
        given = kind_of(node)
        kind = None if given is None else literal(given) or "*"
        if name in CODED_ERRORS and path.parent.name != "engine":
            code = first or getattr(CODED_ERRORS[name], "default_code", None)
        elif name in ENGINE_ERRORS and "engine" in path.parts:
            code = ENGINE_ERRORS[name].code  # type: ignore[attr-defined]
            kind = "*" if any(keyword.arg is None for keyword in node.keywords) else kind
        elif name == "FetchError":
            code, kind = "fetch_failed", first
        elif name == "CognitoError":
            code = first
        elif name == "Message" and first:
            code = first
            params = node.args[1] if len(node.args) > 1 else None
            if isinstance(params, ast.Dict):
                found = [v for k, v in zip(params.keys, params.values, strict=True) if literal(k) == "kind"]
                kind = literal(found[0]) or "*" if found else None
        elif (
            name == "Problem"
            and first
            and not first.startswith("/")
            and path.parent.name != "engine"
            or name in ("note", "warn")
            and "raster" in path.parts
        ):
            code = first
        else:
            continue
        if code:
            yield f"{path.relative_to(ROOT)}:{node.lineno}", code, kind


@pytest.mark.long
def test_every_code_that_is_raised_has_a_template() -> None:
    missing = []
    for where, code, kind in raised():
        if kind == "*":
            known = any(key.startswith(f"{code}.") for key in TEMPLATES)
        else:
            known = (f"{code}.{kind}" if kind else code) in TEMPLATES
        if not known:
            missing.append((where, code, kind))
    assert missing == []


def error_codes() -> set[str]:
    """Return every code of an error response or a failed job."""
    found = {cls.code for cls in ENGINE_ERRORS.values()} | {"fetch_failed"}  # type: ignore[attr-defined]
    for path, node, name in calls():
        first = literal(node.args[0]) if node.args else None
        if name in CODED_ERRORS:
            found.add(first or getattr(CODED_ERRORS[name], "default_code", ""))
        elif name == "Problem" and first and not first.startswith("/") and path.parent.name != "engine":
            found.add(first)
        elif name in ("answer", "_fail", "_fail_all", "_end_awaited"):
            inner = [part for part in ast.walk(node) if isinstance(part, ast.Call) and part is not node]
            found |= {code for part in inner if part.args and (code := literal(part.args[0]))}
    return {code for code in found if code and "." not in code} - {"status"}


@pytest.mark.long
def test_every_error_code_is_explained_and_has_a_status() -> None:
    assert error_codes() - set(ERRORS) == set()
    assert all(400 <= info.status < 600 for info in ERRORS.values())


def test_every_explained_code_has_a_template() -> None:
    """A code that is explained but has no template could never be shown."""
    assert {code for code in ERRORS if not any(key.split(".")[0] == code for key in TEMPLATES)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_of_a_name_pattern_is_explained(language: str) -> None:
    with translation.override(language):
        named = str(ERRORS["bad_name_pattern"].advice)
    assert [part for part in naming.PARTS if part not in named] == []


def test_deleted_files_are_410() -> None:
    assert {code for code, info in ERRORS.items() if info.status == 410} == {
        "expired",
        "link_expired",
        "no_upload",
        "result_missing",
    }


@pytest.mark.long
def test_no_message_is_written_where_it_is_raised() -> None:
    wordy = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node, name in calls()
        if name in {*CODED_ERRORS, *ENGINE_ERRORS, "FetchError", "CognitoError", "Message", "Refused"}
        for argument in node.args[:1]
        for part in ast.walk(argument)
        if " " in (literal(part) or "")
    ]
    assert wordy == []


@pytest.mark.parametrize("error", [jobs.Conflict, outbound.FetchError, cognito.CognitoError])
def test_a_code_is_not_a_sentence(error: type[Exception]) -> None:
    with pytest.raises(KeyError):
        error("This is a sentence.")


# --- The scripts ------------------------------------------------------------------------------------------

READ = """
import { reader } from %s;
const { language, templates, messages } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const fill = reader(templates, language);
console.log(JSON.stringify(messages.map(fill)));
"""


@pytest.mark.system
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scripts_format_messages_like_the_server(language: str) -> None:
    script = (ROOT / "converter/static/converter/js/messages.js").as_uri()
    with translation.override(language):
        templates = texts.for_messages()
        told = {key: message for key, message in SAMPLES.items() if key in templates}
        said = [translated(message) for message in told.values()]
    messages = [{"code": one.code, "params": one.plain_params} for one in told.values()]
    sent = json.dumps({"language": language, "templates": templates, "messages": messages})
    program = READ.replace('require("fs")', "fs") % json.dumps(script)
    done = subprocess.run(
        ["node", "--input-type=module", "-e", 'import fs from "node:fs";' + program],
        input=sent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == said


def test_the_scripts_know_every_option_by_its_title() -> None:
    known = texts.for_messages()
    for option, part in RECIPE_SCHEMA["properties"].items():
        assert f"word.{part['title']}" in known, option
