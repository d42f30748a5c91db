from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from converter.models import Job, Recipe
from tests.web.conftest import text

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {"name": "For the shop", "recipe-format": "webp", "recipe-quality": "70", "recipe-resize.width": "900"}


def test_it_saves(page: Client, alice: Any) -> None:
    response = page.post("/recipes/new/", FORM, follow=True)
    assert Recipe.objects.get().recipe == {"format": "webp", "quality": 70, "resize": {"width": 900}}
    assert "WebP, quality 70, fit in 900 wide" in text(response)


def test_it_changes(page: Client, alice: Any) -> None:
    saved = Recipe.objects.create(owner=alice, name="old", recipe={"format": "gif"})
    page.post(f"/recipes/{saved.pk}/", FORM)
    saved.refresh_from_db()
    assert (saved.name, saved.recipe["format"]) == ("For the shop", "webp")


def test_a_taken_name_is_refused(page: Client, alice: Any) -> None:
    Recipe.objects.create(owner=alice, name="For the shop", recipe={"format": "gif"})
    response = page.post("/recipes/new/", FORM)
    assert response.status_code == 422
    assert "You have a recipe of this name." in text(response)


def test_a_nonsense_recipe_is_refused(page: Client) -> None:
    response = page.post("/recipes/new/", {**FORM, "recipe-lossless": "on"})
    assert response.status_code == 422
    assert not Recipe.objects.exists()


def test_the_sentence_follows_the_form(page: Client) -> None:
    said = page.post("/recipes/sentence/", FORM).json()
    assert said == {"sentence": "WebP, quality 70, fit in 900 wide, metadata removed"}
    assert page.post("/recipes/sentence/", {**FORM, "recipe-quality": "0"}).json()["errors"]


def test_a_result_one_likes_becomes_a_recipe(page: Client, job: Job) -> None:
    assert page.get(f"/recipes/new/?job={job.pk}").context["output"]["format"].value() == "webp"


def test_delete_asks_first(page: Client, alice: Any) -> None:
    saved = Recipe.objects.create(owner=alice, name="old", recipe={"format": "gif"})
    assert "Delete “old”?" in text(page.get(f"/recipes/{saved.pk}/delete/"))
    page.post(f"/recipes/{saved.pk}/delete/")
    assert not Recipe.objects.exists()


def test_a_recipe_that_is_no_longer_offered_is_still_listed(page: Client, alice: Any) -> None:
    Recipe.objects.create(owner=alice, name="old", recipe={"format": "gone"})
    assert "no longer offered" in text(page.get("/recipes/"))


@pytest.mark.parametrize("act", ["", "delete/"])
def test_a_stranger_gets_404(strangers_page: Client, alice: Any, act: str) -> None:
    saved = Recipe.objects.create(owner=alice, name="mine", recipe={"format": "gif"})
    assert strangers_page.get(f"/recipes/{saved.pk}/{act}").status_code == 404
    assert strangers_page.post(f"/recipes/{saved.pk}/{act}", FORM).status_code == 404
    saved.refresh_from_db()
    assert saved.name == "mine"
