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
from converter.engine import raster
from converter.engine.report import NOTES, WARNINGS, Note
from converter.models import Batch, Job
from converter.web import options, phrases, words
from converter.web.phrases import PHRASES, translated
from converter.web.starters import STARTERS
from tests.web.conftest import FORM, text

ROOT = Path(__file__).resolve().parents[2]
GERMAN = ROOT / "locale/de/LC_MESSAGES/django.po"
ENTRY = re.compile(
    r"^(?:msgctxt (?P<context>\"[^\n]*\")\n)?msgid (?P<id>\"[^\n]*\")\n"
    r"(?:msgid_plural (?P<plural>\"[^\n]*\")\nmsgstr\[0\] (?P<one>\"[^\n]*\")\nmsgstr\[1\] (?P<many>\"[^\n]*\")"
    r"|msgstr (?P<only>\"[^\n]*\"))$",
    re.MULTILINE,
)
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}")

EVERYTHING = [
    {"format": "auto", "aim": "small", "frames": "first", "color": "keep", "metadata": "keep"},
    {"format": "webp", "lossless": True, "effort": 4, "rotate": 90, "flip": "horizontal"},
    {"format": "webp", "aim": "near_identical", "flip": "vertical", "background": "transparent"},
    {"format": "jpeg", "quality": 80, "progressive": False, "background": "#336699"},
    {"format": "jpeg", "target_bytes": 1_200_000, "crop": {"x": 1, "y": 2, "width": 30, "height": 40}},
    {"format": "jpeg", "target_bytes": 2_000, "shrink_to_fit": True, "resize": {"scale": 50}},
    {"format": "jpeg", "aim": "balanced", "watermark": {"text": "first frame only", "tile": True}},
    {"format": "jpeg", "watermark": {"text": "me, and you"}, "metadata": "strip_location"},
    {"format": "jpeg", "watermark": {"image": "x"}},
    {"format": "jpeg", "watermark": {"image": "x", "tile": True}},
    *(
        {"format": "jpeg", "resize": {"mode": mode, **size, "enlarge": True}}
        for mode in ("fit", "fill", "pad", "stretch")
        for size in ({"width": 16}, {"height": 16}, {"width": 16, "height": 16})
    ),
]


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """What a request chose would else be left to the next test."""
    with translation.override("en"):
        yield


def entries() -> list[dict[str, Any]]:
    """Return what the .po says; its entries are kept on one line each."""
    source = GERMAN.read_text()
    found = [
        {name: ast.literal_eval(part) for name, part in entry.groupdict().items() if part}
        for entry in ENTRY.finditer(source)
    ]
    assert len(found) == len(re.findall(r"^msgid ", source, re.MULTILINE))
    return [entry for entry in found if entry["id"]]


def said(entry: dict[str, Any]) -> list[str]:
    return [entry.get(name, "") for name in ("one", "many")] if "plural" in entry else [entry.get("only", "")]


@pytest.mark.django_db
def test_what_the_api_says_is_said_in_the_visitors_language(client: Client, alice: Any) -> None:
    client.force_login(alice)
    said = {
        "said": [
            "This file ends too early; part of the picture is missing. Send it again from the original.",
            "?",
        ]
    }
    german = client.post("/convert/words/", said, headers={"Accept-Language": "de"}).json()["said"]
    assert german[0].startswith("Diese Datei")
    assert german[1] == "?"
    assert client.post("/convert/words/", said).json() == said


def test_german_is_whole() -> None:
    assert [entry["id"] for entry in entries() if not all(said(entry))] == []
    assert not re.search(r"^#(,.*fuzzy|~)", GERMAN.read_text(), re.MULTILINE)


def test_german_keeps_what_is_filled_in() -> None:
    for entry in entries():
        for words_said in said(entry):
            assert set(HOLES.findall(words_said)) == set(HOLES.findall(entry["id"])), entry["id"]


def test_the_compiled_german_is_that_of_the_source() -> None:
    with GERMAN.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries():
        if "context" in entry:
            assert [compiled.pgettext(entry["context"], entry["id"])] == said(entry)
        elif "plural" in entry:
            assert [compiled.ngettext(entry["id"], entry["plural"], n) for n in (1, 2)] == said(entry)
        else:
            assert [compiled.gettext(entry["id"])] == said(entry)


@pytest.mark.django_db
def test_the_browser_says_the_language(client: Client) -> None:
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
def test_the_choice_leads_to_no_other_site(client: Client) -> None:
    response = client.post("/language/", {"language": "de", "next": "https://example.org/"})
    assert response["Location"] == "/"


def test_every_note_has_its_words() -> None:
    with_formats = {**NOTES, **WARNINGS}
    assert {code: re.sub(r":[^{}]*}", "}", words) for code, words in with_formats.items()} == phrases.NOTES


def test_a_note_is_said_with_german_numbers() -> None:
    note = Note("quality_chosen", {"quality": 71, "similarity": 0.98765}).to_dict()
    assert phrases.note(note) == note["text"]
    with translation.override("de"):
        assert "Ähnlichkeit 0,988" in phrases.note(note)
        within = Note("bytes_met", {"quality": 71, "target": 1_200_000}).to_dict()
        assert "1.200.000 Bytes" in phrases.note(within)


def test_an_unknown_note_is_shown_as_it_was_said() -> None:
    with translation.override("de"):
        assert phrases.note({"code": "of_old", "params": {}, "text": "As it was."}) == "As it was."


def test_why_a_format_was_chosen_is_said_in_german() -> None:
    reason = "the smallest at equal similarity that keeps transparency (PNG 2.4× as large)"
    with translation.override("de"):
        said = phrases.note(Note("format_chosen", {"format": "WebP", "reason": reason}).to_dict())
    assert said == (
        "WebP gewählt: das kleinste bei gleicher Ähnlichkeit, das Transparenz behält (PNG 2.4× so groß)"
    )


def sample(value: ast.expr) -> str:
    return "7 megapixels" if "megapixels(" in ast.unparse(value) else "7"


def sentences() -> Iterator[str]:
    """Yield every whole sentence of the engine, the sandbox, the jobs and the fetching; 7 stands for values."""
    rooms = ROOT / "converter"
    for path in [
        *(rooms / "engine").glob("*.py"),
        *(rooms / "jobs").glob("*.py"),
        *(rooms / "sandbox").glob("*.py"),
        rooms / "outbound.py",
    ]:
        tree = ast.parse(path.read_text())
        aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                aside |= {id(part) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in aside or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            found = "".join(
                str(part.value) if isinstance(part, ast.Constant) else sample(part) for part in parts
            )
            if re.fullmatch(r"[A-Z7].*\w+ .*\.", found, re.DOTALL):
                yield found


# Said to whoever installs, by the API's JSON, or to people as a description that the form words anew.
NOT_FOR_PAGES = {
    "7 failed; 7 did not.",
    "The sandbox does not start; the log says why.",
    "The sandbox ends as soon as it is started.",
    "The sandbox lacks 7, and SANDBOX_REQUIRED is on.",
    "Pillow was built without 7.",
    "libheif has no decoder for HEIC.",
    "7 does not tell its version; 7.",
    "7 7 is not safe; 7.",
}


def test_every_sentence_of_the_engine_and_the_jobs_is_known() -> None:
    with translation.override("de"):
        unknown = {found for found in sentences() if translated(found) == found}
    schema = ast.walk(ast.parse((ROOT / "converter/engine/schema.py").read_text()))
    described = {str(node.value) for node in schema if isinstance(node, ast.Constant)}
    assert unknown - described - NOT_FOR_PAGES - {"7 must be 7."} == set()


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"quality": 500}, "Qualität: bitte eine ganze Zahl von 1 bis 100 angeben."),
        ({"watermark": {"text": "x", "opacity": 7}}, "Deckkraft: bitte eine Zahl von 0,01 bis 1 angeben."),
        ({"watermark": {"text": ""}}, "Text: bitte einen Text von 1 bis 200 Zeichen angeben."),
        ({"crop": {"x": 0, "y": 0, "width": 1}}, "Höhe fehlt."),
    ],
)
def test_what_is_wrong_with_an_option_is_said_in_german(recipe: dict[str, Any], says: str) -> None:
    with pytest.raises(engine.InvalidRecipe) as refused:
        engine.Recipe.parse({"format": "webp", **recipe})
    with translation.override("de"):
        assert [translated(error["detail"]) for error in refused.value.errors] == [says]


def test_real_errors_are_said_in_german() -> None:
    errors = {}
    for name, data in {"pdf": b"%PDF-1.7 " * 20, "empty": b"", "text": b"hello" * 20}.items():
        with pytest.raises(engine.EngineError) as caught:
            raster.probe(data)
        errors[name] = caught.value.message
    with translation.override("de"):
        said = {name: translated(message) for name, message in errors.items()}
    assert said["pdf"].startswith("Das kann hier nicht gelesen werden: PDF-Dokument. Bitte die Seiten")
    assert said["empty"].startswith("Diese Datei ist leer.")
    assert said["text"].startswith("Das ist kein Bild")


def test_phrases_that_hide_others_come_after_them() -> None:
    samples = [(phrase, re.sub(r"\{\w+\}", "7", phrase)) for phrase in PHRASES]
    for phrase, sample in samples:
        first = next(shape for shape in PHRASES if phrases._shape(shape).fullmatch(sample))
        assert first == phrase


@pytest.mark.parametrize("recipe", EVERYTHING, ids=str)
def test_every_piece_of_a_recipe_is_said_in_german(recipe: dict[str, Any]) -> None:
    parsed = engine.Recipe.parse(recipe)
    assert phrases.sentence(parsed) == parsed.sentence()
    with translation.override("de"):
        untold = [word for word in parsed.words() if translated(word) == word]
    assert untold == ([] if parsed.is_auto else [parsed.label])


def test_what_people_wrote_is_not_translated() -> None:
    with translation.override("de"):
        recipe = engine.Recipe.parse({"format": "jpeg", "watermark": {"text": "metadata kept"}})
        assert "Wasserzeichen „metadata kept“" in phrases.sentence(recipe)


def test_numbers_are_written_the_german_way() -> None:
    with translation.override("de"):
        recipe = engine.Recipe.parse({"format": "jpeg", "target_bytes": 1_200_000})
        assert "höchstens 1.200.000 Bytes" in phrases.sentence(recipe)
        assert "12,5 MB; höchstens 10,0 MB" in translated(
            "This file has 12.5 MB; at most 10.0 MB are accepted. Send a smaller file."
        )


def test_starters_have_german_sentences() -> None:
    for starter in STARTERS.values():
        for recipe in map(engine.Recipe.parse, starter.recipes):
            with translation.override("de"):
                assert phrases.sentence(recipe) != recipe.sentence()


def test_every_option_has_words_of_its_own() -> None:
    """The engine's own descriptions would be shown in English."""
    for option in options.options():
        if option.path == "watermark.image":
            continue
        assert option.path in words.TITLES
        assert option.path in words.HINTS or not option.schema.get("description")
        for value in option.schema.get("enum", []):
            assert str(value) in words.CHOICES[option.path]


@pytest.mark.django_db
def test_a_wrong_option_is_explained_in_german(page: Client) -> None:
    form = {**FORM, "outputs-0-format": "jpeg", "outputs-0-lossless": "", "outputs-0-resize.scale": "150"}
    response = page.post("/convert/", form, headers={"accept-language": "de"})
    assert "Mehr als 100 Prozent vergrößert." in text(response)


def test_results_tell_in_german_what_was_done(page: Client, batch: Batch, job: Job) -> None:
    shown = text(page.get(f"/jobs/{job.pk}/", headers={"accept-language": "de"}))
    assert "Was sich geändert hat" in shown
    assert "Metadaten entfernt" in shown
    assert job.report
    assert not [note["text"] for note in job.report["notes"] if note["text"] in shown]
    assert "2 Ergebnisse" in text(page.get(f"/batches/{batch.pk}/", headers={"accept-language": "de"}))


def test_a_failure_is_told_in_german(page: Client, batch: Batch, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.FAILED, error_code="gave_up", error_message="The file never came. Send it again."
    )
    shown = text(page.get(f"/jobs/{job.pk}/", headers={"accept-language": "de"}))
    assert "Die Datei kam nie an. Bitte noch einmal senden." in shown


@pytest.mark.parametrize(
    ("said", "german"),
    [
        ("This TIFF has 12-bit samples, which cannot be read here.", "Werte mit 12 Bit"),
        (
            "This TIFF has 8-bit CMYK colours and more channels, which cannot be read here.",
            "CMYK-Farben mit 8 Bit und",
        ),
        ("This TIFF has 3 channels of 12 bits, which cannot be read here.", "3 Kanäle mit 12 Bit"),
        ("This TIFF has LERC compression, which cannot be read here.", "LERC-Kompression"),
        ("This TIFF has an unknown compression, which cannot be read here.", "eine unbekannte Kompression"),
        ("This JPEG 2000 has 16-bit YCbCr colours, which cannot be read here.", "YCbCr-Farben mit 16 Bit"),
    ],
)
def test_a_kind_of_file_that_is_not_read_is_named_in_german(said: str, german: str) -> None:
    with translation.override("de"):
        words = translated(f"{said} Export it as PNG or TIFF first.")
    assert german in words
    assert words.endswith("Bitte zuerst als PNG oder TIFF exportieren.")
