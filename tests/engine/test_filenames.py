from __future__ import annotations

import re

import pytest
from django.utils import timezone

from converter.engine.filenames import clean_name, distinct, portable_name, safe_name, split_extension
from converter.models import Batch, Job, Upload


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("", "image"),
        ("///", "image"),
        ("...", "image"),
        ("\u200d \u200b", "image"),
        ("\u200b.png", "image.png"),
        ("\u3164\u2800\ufe0f.jpg", "image.jpg"),
        ("\U000e0041", "image"),
        ("!!!", "!!!"),
        ("🏖️ Strand.heic", "🏖️ Strand.heic"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\u2066a\u2069\u200f.png", "a.png"),
        ("a\x00b\nc\u2028.png", "abc.png"),
        ("\ud800.png", "png"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        ("漢" * 300 + ".jpeg", "漢" * 83 + ".jpeg"),
        ("漢" * 300, "漢" * 85),
        (".jpg", "jpg"),
        ("می\u200cخواهم.png", "می\u200cخواهم.png"),  # Persian needs the joiner within words
        ("👨\u200d👩\u200d👧.png", "👨\u200d👩\u200d👧.png"),
        ("\U0001fae9.png", "\U0001fae9.png"),  # newer than this Python's Unicode tables
        ("\ue000.png", "\ue000.png"),
    ],
)
def test_names_are_cleaned(sent: str, shown: str) -> None:
    assert clean_name(sent) == shown


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("photo.jpg", "photo"),
        ("photo.JFIF", "photo"),
        ("Dr. Smith portrait", "Dr. Smith portrait"),
        ("v1.2 final", "v1.2 final"),
        ("Screenshot 2024-05-01 10.30.15", "Screenshot 2024-05-01 10.30.15"),
        ("archive.tar.png", "archive.tar"),
        (".jpg", ".jpg"),
    ],
)
def test_only_an_extension_of_an_image_is_one(name: str, stem: str) -> None:
    assert split_extension(name)[0] == stem


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "漢" * 85, "😀" * 63 + ".png", "x" * 255, "a.png"])
def test_a_result_has_a_name_that_every_system_can_write(name: str) -> None:
    upload = Upload(name=clean_name(name))
    job = Job(
        batch=Batch(created_at=timezone.now(), outputs=[{"format": "webp"}]),
        upload=upload,
        output_format="webp",
        recipe={"format": "webp"},
    )
    assert len(job.result_name.encode()) <= 255
    assert job.result_name.endswith(".webp")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("😀", "image"),
        ("!!!", "image"),
        ("？", "image"),
        ("(.png", "image.png"),
        ("a b.png", "a_b.png"),
        ("Dr. Smith", "Dr._Smith"),
        ("..a", "a"),
        ("写" * 60 + ".png", "写" * 32 + ".png"),
    ],
)
def test_a_key_has_no_character_that_is_special_in_a_shell(name: str, key: str) -> None:
    assert safe_name(name) == key


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("a:b.webp", "a_b.webp"),
        ('q?u"o*t|e<>.webp', "q_u_o_t_e__.webp"),
        ("CON.webp", "_CON.webp"),
        ("nul.webp", "_nul.webp"),
        ("aux", "_aux"),
        ("COM¹.webp", "_COM¹.webp"),
        ("lpt9.tar.webp", "_lpt9.tar.webp"),
        ("console.webp", "console.webp"),
        ("dots...", "dots"),
        ("100%.webp", "100%.webp"),
    ],
)
def test_windows_can_write_every_name(name: str, portable: str) -> None:
    assert portable_name(name) == portable


def test_equal_names_get_numbers_and_stay_short_enough() -> None:
    long = "漢" * 83 + ".webp"
    names = list(distinct(["a.webp", "A.webp", long, long, "a (2).webp", "manifest.csv"], ["manifest.csv"]))
    assert names[:2] == ["a.webp", "A (2).webp"]
    assert names[4:] == ["a (2) (2).webp", "manifest.csv (2)"]
    assert len({name.casefold() for name in names}) == 6
    assert all(len(name.encode()) <= 255 for name in names)
    assert re.fullmatch("漢+ \\(2\\)\\.webp", names[3])


def test_no_file_is_named_as_a_folder_of_others() -> None:
    paths = ["A.webp", "a.webp/x.webp", "b/c.webp/d.webp", "b/c.webp"]
    assert list(distinct(paths)) == ["A (2).webp", "a.webp/x.webp", "b/c.webp/d.webp", "b/c (2).webp"]


def test_a_thousand_equal_names_are_numbered_quickly() -> None:
    assert list(distinct(["a.webp"] * 2000))[-1] == "a (2000).webp"
