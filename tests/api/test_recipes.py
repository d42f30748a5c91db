from __future__ import annotations

from typing import Any

import pytest

from converter.models import Recipe
from tests.api.conftest import Program, problem

pytestmark = pytest.mark.django_db

WEB = {"name": "For the web", "recipe": {"format": "webp", "quality": 75, "metadata": "strip"}}


def test_a_recipe_is_saved_changed_and_forgotten(program: Program) -> None:
    made = program.post("recipes", WEB)
    assert made.status_code == 201
    recipe = made.json()
    assert made["Location"] == f"/api/v1/recipes/{recipe['id']}"
    assert recipe["recipe"] == {"format": "webp", "quality": 75}
    assert recipe["sentence"].startswith("WebP, quality 75")
    assert program.get(f"recipes/{recipe['id']}").json() == recipe

    changed = program.put(f"recipes/{recipe['id']}", {"name": "Small", "recipe": {"format": "avif"}}).json()
    assert (changed["name"], changed["recipe"]) == ("Small", {"format": "avif"})
    assert [item["name"] for item in program.get("recipes").json()["items"]] == ["Small"]

    assert program.delete(f"recipes/{recipe['id']}").status_code == 204
    problem(program.get(f"recipes/{recipe['id']}"), 404, "not_found")


def test_a_name_has_no_spaces_around_it(program: Program) -> None:
    assert program.post("recipes", {**WEB, "name": f"  {WEB['name']} "}).json()["name"] == WEB["name"]
    problem(program.post("recipes", WEB), 409, "name_taken")


@pytest.mark.parametrize("name", ["\u200b", "\u202e\u2066", "\u3164", "\u2800 \ufeff"])
def test_an_invisible_name_is_refused(program: Program, name: str) -> None:
    body = problem(
        program.post("recipes", {"name": name, "recipe": {"format": "webp"}}), 422, "invalid_request"
    )
    assert body["errors"][0]["pointer"] == "/name"
    assert "visible" in body["detail"]


def test_a_name_that_normalising_lengthens_beyond_its_limit_is_refused(program: Program) -> None:
    body = problem(
        program.post("recipes", {**WEB, "name": "\ufb2c" * 80}), 422, "invalid_request"
    )  # NFC makes three characters of each
    assert body["errors"][0]["pointer"] == "/name"
    assert not Recipe.objects.exists()


def test_a_name_cannot_turn_the_text_around(program: Program) -> None:
    saved = program.post("recipes", {"name": "Web \u202egpj.exe", "recipe": {"format": "webp"}}).json()
    assert saved["name"] == "Web gpj.exe"


def test_a_name_is_unique_per_user(program: Program, stranger: Program) -> None:
    program.post("recipes", WEB)
    problem(program.post("recipes", WEB), 409, "name_taken")
    other = program.post("recipes", {**WEB, "name": "Other"}).json()
    problem(program.put(f"recipes/{other['id']}", WEB), 409, "name_taken")
    assert program.put(f"recipes/{other['id']}", {**WEB, "name": "Other"}).status_code == 200
    assert stranger.post("recipes", WEB).status_code == 201


def test_a_strangers_recipe_does_not_exist(program: Program, stranger: Program) -> None:
    path = f"recipes/{program.post('recipes', WEB).json()['id']}"
    for response in (stranger.get(path), stranger.put(path, WEB), stranger.delete(path)):
        problem(response, 404, "not_found")
    assert stranger.get("recipes").json()["items"] == []
    assert Recipe.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({**WEB, "recipe": {"format": "webp", "quality": 0}}, 422, "invalid_recipe", "/recipe/quality"),
        ({**WEB, "name": ""}, 422, "invalid_request", "/name"),
        ({**WEB, "name": "x" * 81}, 422, "invalid_request", "/name"),
        ({**WEB, "name": "  "}, 422, "invalid_request", "/name"),
        ({**WEB, "name": "a\nb"}, 422, "invalid_request", "/name"),
        ({"name": "x"}, 422, "invalid_request", "/recipe"),
    ],
)
def test_an_invalid_recipe_is_refused_with_a_pointer(
    program: Program, body: Any, status: int, code: str, pointer: str
) -> None:
    refused = problem(program.post("recipes", body), status, code)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000"])
@pytest.mark.parametrize("body", ['{"name": "%s", "recipe": {"format": "webp"}}', '{"%s": 1}', '[["%s"]]'])
def test_text_that_no_database_keeps_is_refused(program: Program, body: str, text: str) -> None:
    response = program.client.post("/api/v1/recipes", body % text, content_type="application/json")
    problem(response, 400, "malformed_json")


SET = {
    "name": "Set",
    "outputs": [{"format": "webp", "resize": {"width": 40}}, {"format": "jpg", "quality": 60}],
}
KEPT = [{"format": "webp", "resize": {"width": 40}}, {"format": "jpeg", "quality": 60}]


def test_a_recipe_keeps_all_of_its_outputs(program: Program) -> None:
    made = program.post("recipes", SET)
    assert made.status_code == 201, made.content
    recipe = made.json()
    assert (recipe["recipe"], recipe["outputs"]) == (KEPT[0], KEPT)
    assert recipe["sentence"].count("; ") == 1
    assert program.get(f"recipes/{recipe['id']}").json() == recipe
    single = program.put(f"recipes/{recipe['id']}", WEB).json()
    assert single["outputs"] == [single["recipe"]] == [{"format": "webp", "quality": 75}]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"outputs": [{"format": "webp"}, {"format": "x"}]}, "invalid_recipe", "/outputs/1/format"),
        ({"outputs": [{"format": "jpeg"}, {"format": "jpg"}]}, "same_outputs", "/outputs"),
        (
            {"outputs": [{"format": "jpeg", "quality": n} for n in range(1, 32)]},
            "too_many_outputs",
            "/outputs",
        ),
        ({"outputs": [], "recipe": None}, "invalid_request", "/recipe"),
        ({"outputs": [{"format": "jpeg"}], "recipe": {"format": "webp"}}, "invalid_request", "/outputs"),
    ],
)
def test_invalid_outputs_are_refused(program: Program, body: Any, code: str, pointer: str) -> None:
    refused = problem(program.post("recipes", {"name": "x", **body}), 422, code)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert not Recipe.objects.exists()


def test_a_batch_is_made_by_a_saved_recipe(program: Program, stranger: Program) -> None:
    recipe = program.post("recipes", SET).json()["id"]
    files = [{"name": "a.jpg", "size": 9}, {"name": "b.jpg", "size": 9}]
    made = program.post("batches", {"files": files, "recipe": recipe})
    assert made.status_code == 201, made.content
    assert [job["recipe"] for job in made.json()["jobs"]] == KEPT * 2
    refused = problem(stranger.post("batches", {"files": files, "recipe": recipe}), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [
        ("/recipe", "recipe_not_found")
    ]
    both = {"files": files, "recipe": recipe, "outputs": KEPT}
    refused = problem(program.post("batches", both), 422, "invalid_request")
    assert [error["pointer"] for error in refused["errors"]] == ["/recipe"]


def test_a_saved_recipe_that_is_no_longer_offered_makes_no_batch(program: Program) -> None:
    recipe = program.post("recipes", SET).json()["id"]
    Recipe.objects.update(more=[{"format": "gone"}])
    body = {"files": [{"name": "a.jpg", "size": 9}], "recipe": recipe}
    problem(program.post("batches", body), 422, "invalid_recipe")
