from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from converter import engine
from converter.engine import Message, raster
from converter.jobs import transitions
from converter.models import Batch, Job
from converter.translation import recipe_sentence, translated
from converter.web import options
from converter.web.starters import STARTERS
from tests.conftest import text
from tests.web.conftest import FORM

ROOT = Path(__file__).resolve().parents[2]
GERMAN = ROOT / "locale/de/LC_MESSAGES/django.po"
ENTRY = re.compile(
    r"^(?:msgctxt (?P<context>\"[^\n]*\")\n)?msgid (?P<id>\"[^\n]*\")\n"
    r"(?:msgid_plural (?P<plural>\"[^\n]*\")\nmsgstr\[0\] (?P<one>\"[^\n]*\")\nmsgstr\[1\] (?P<many>\"[^\n]*\")"
    r"|msgstr (?P<only>\"[^\n]*\"))$",
    re.MULTILINE,
)
HOLES = re.compile(r"%\(\w+\)s|\{[\w:.,]+\}")

EVERYTHING = [
    {"format": "auto", "aim": "small", "frames": "first", "color": "keep", "metadata": "keep"},
    {"format": "webp", "lossless": True, "effort": 4, "rotate": 90, "flip": "horizontal"},
    {"format": "webp", "aim": "near_identical", "flip": "vertical", "background": "transparent"},
    {"format": "jpeg", "quality": 80, "progressive": False, "background": "#336699"},
    {"format": "jpeg", "target_bytes": 1_200_000, "crop": {"x": 1, "y": 2, "width": 30, "height": 40}},
    {"format": "jpeg", "target_bytes": 2_000, "shrink_to_fit": True, "resize": {"scale": 50}},
    {"format": "jpeg", "aim": "balanced", "watermark": {"text": "first frame only", "tile": True}},
    {"format": "jpeg", "watermark": {"text": "me, and you"}, "metadata": "strip_location"},
    {"format": "jpeg", "watermark": {"image": "x"}, "dpi": 300},
    {
        "format": "jpeg",
        "resize": {"mode": "fill", "width": 3, "height": 4},
        "focal_point": {"x": 0.3, "y": 0.4},
    },
    {"format": "jpeg", "watermark": {"image": "x", "tile": True}},
    *(
        {"format": "jpeg", "resize": {"mode": mode, **size, "enlarge": True}}
        for mode in ("fit", "fill", "pad", "stretch")
        for size in ({"width": 16}, {"height": 16}, {"width": 16, "height": 16})
    ),
]


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Reset the language, which a request would otherwise leave active for the next test."""
    with translation.override("en"):
        yield


def entries() -> list[dict[str, Any]]:
    """Return the entries of the .po file, which has each message on one line."""
    source = GERMAN.read_text()
    found = [
        {name: ast.literal_eval(part) for name, part in entry.groupdict().items() if part}
        for entry in ENTRY.finditer(source)
    ]
    assert len(found) == len(re.findall(r"^msgid ", source, re.MULTILINE))
    return [entry for entry in found if entry["id"]]


def said(entry: dict[str, Any]) -> list[str]:
    return [entry.get(name, "") for name in ("one", "many")] if "plural" in entry else [entry.get("only", "")]


def test_german_is_complete() -> None:
    assert [entry["id"] for entry in entries() if not all(said(entry))] == []
    assert not re.search(r"^#(,.*fuzzy|~)", GERMAN.read_text(), re.MULTILINE)


def test_german_keeps_the_placeholders() -> None:
    for entry in entries():
        for words_said in said(entry):
            assert set(HOLES.findall(words_said)) == set(HOLES.findall(entry["id"])), entry["id"]


def test_the_compiled_german_matches_the_source() -> None:
    with GERMAN.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries():
        if "context" in entry:
            assert [compiled.pgettext(entry["context"], entry["id"])] == said(entry)
        elif "plural" in entry:
            assert [compiled.ngettext(entry["id"], entry["plural"], n) for n in (1, 2)] == said(entry)
        else:
            assert [compiled.gettext(entry["id"])] == said(entry)


@pytest.mark.long
@pytest.mark.django_db
def test_the_browser_determines_the_language(client: Client) -> None:
    for asked, shown in {"de-AT,de;q=0.9": "de", "en": "en", "fr": "en"}.items():
        response = client.get("/", headers={"accept-language": asked})
        assert f'<html lang="{shown}">' in text(response)
        assert response["Content-Language"] == shown


@pytest.mark.django_db
def test_a_person_chooses_the_language_and_stays_on_the_page(client: Client) -> None:
    page = text(client.get("/formats/", headers={"accept-language": "en"}))
    assert '<button name="language" value="de" lang="de">Deutsch</button>' in page
    assert 'name="next" value="/formats/"' in page
    response = client.post("/language/", {"language": "de", "next": "/formats/"})
    assert (response.status_code, response["Location"]) == (302, "/formats/")
    page = text(client.get("/formats/", headers={"accept-language": "en"}))
    assert '<html lang="de">' in page
    assert "Längste Seite" in page
    assert '<button name="language" value="en" lang="en">English</button>' in page


@pytest.mark.django_db
def test_the_language_choice_redirects_to_no_other_site(client: Client) -> None:
    response = client.post("/language/", {"language": "de", "next": "https://example.org/"})
    assert response["Location"] == "/"


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"quality": 500}, "Qualität: bitte eine ganze Zahl von 1 bis 100 angeben."),
        ({"watermark": {"text": "x", "opacity": 7}}, "Deckkraft: bitte eine Zahl von 0,01 bis 1 angeben."),
        ({"watermark": {"text": ""}}, "Text: bitte einen Text von 1 bis 200 Zeichen angeben."),
        ({"crop": {"x": 0, "y": 0, "width": 1}}, "Höhe des Ausschnitts fehlt."),
    ],
)
def test_option_errors_are_in_german(recipe: dict[str, Any], says: str) -> None:
    with pytest.raises(engine.InvalidRecipe) as refused:
        engine.Recipe.parse({"format": "webp", **recipe})
    with translation.override("de"):
        assert [translated(error.message) for error in refused.value.errors] == [says]


def test_actual_errors_are_in_german() -> None:
    errors = {}
    for name, data in {"pdf": b"%PDF-1.7 " * 20, "empty": b"", "text": b"hello" * 20}.items():
        with pytest.raises(engine.EngineError) as caught:
            raster.probe(data)
        errors[name] = caught.value.message
    with translation.override("de"):
        said = {name: translated(message) for name, message in errors.items()}
    assert said["pdf"].startswith("PDF-Dokumente können hier nicht umgewandelt werden. Bitte die Seiten")
    assert said["empty"].startswith("Diese Datei ist leer.")
    assert said["text"].startswith("Diese Datei enthält Text und kein Bild.")


@pytest.mark.parametrize("recipe", EVERYTHING, ids=str)
def test_every_part_of_a_recipe_is_described_in_german(recipe: dict[str, Any]) -> None:
    parsed = engine.Recipe.parse(recipe)
    assert recipe_sentence(parsed) == engine.sentence(parsed)
    with translation.override("de"):
        untold = [piece.text for piece in engine.summary(parsed) if translated(piece) == piece.text]
    assert set(untold) <= {parsed.label, "300 dpi"}


def test_starters_have_german_sentences() -> None:
    for starter in STARTERS.values():
        for recipe in map(engine.Recipe.parse, starter.recipes):
            with translation.override("de"):
                assert recipe_sentence(recipe) != engine.sentence(recipe)


def test_every_option_has_a_german_name() -> None:
    known = {entry["id"] for entry in entries()}
    for option in options.options():
        said = [engine.schema.stated(engine.Recipe)[option.path][word] for word in ("title", "hint")]
        with translation.override("en"):
            said += [option.label(choice) for choice in option.schema.get("enum", [])]
        assert {text for text in said if text} <= known, option.path


@pytest.mark.django_db
def test_an_invalid_option_is_explained_in_german(page: Client) -> None:
    form = {**FORM, "outputs-0-format": "jpeg", "outputs-0-lossless": "", "outputs-0-resize.scale": "150"}
    response = page.post("/convert/", form, headers={"accept-language": "de"})
    assert "Eine Skalierung über 100 Prozent vergrößert das Bild." in text(response)


@pytest.mark.long
def test_reports_are_in_german(page: Client, batch: Batch, job: Job) -> None:
    shown = text(page.get(f"/jobs/{job.pk}/", headers={"accept-language": "de"}))
    assert "Was sich geändert hat" in shown
    assert "Metadaten entfernt" in shown
    assert job.report
    assert not [note["text"] for note in job.report["notes"] if note["text"] in shown]
    assert "2 Ergebnisse" in text(page.get(f"/batches/{batch.pk}/", headers={"accept-language": "de"}))


@pytest.mark.long
def test_a_failure_is_described_in_german(page: Client, batch: Batch, job: Job) -> None:
    transitions.fail(Job.objects.filter(pk=job.pk), Message("gave_up", {"attempts": 3}))
    for path in (f"/jobs/{job.pk}/", f"/batches/{batch.pk}/"):
        shown = text(page.get(path, headers={"accept-language": "de"}))
        assert "Die Umwandlung ist 3-mal abgebrochen." in shown
        assert "interrupted 3 times" in text(page.get(path))


def test_a_failure_stored_before_codes_had_parameters_is_shown_unchanged(page: Client, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.FAILED, error_code="gave_up", error_message="It broke off 3 times."
    )
    shown = text(page.get(f"/jobs/{job.pk}/", headers={"accept-language": "de"}))
    assert "It broke off 3 times." in shown


@pytest.mark.django_db
def test_the_scripts_get_the_templates_in_the_visitors_language(page: Client) -> None:
    told = page.get("/messages.json", headers={"accept-language": "de"}).json()
    assert told["empty_file"].startswith("Diese Datei ist leer.")
    assert told["word.Quality"] == "Qualität"
