from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from converter.models import Job, Preferences, Recipe
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
    assert "You already have a recipe with this name." in text(response)


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
    assert "no longer available" in text(page.get("/recipes/"))


def begins_with(page: Client, path: str = "/convert/") -> tuple[Any, Any]:
    """Return the format and quality with which converting begins."""
    form = page.get(path).context["outputs"].forms[0]
    return form["format"].value(), form["quality"].value()


@pytest.fixture
def saved(alice: Any) -> Recipe:
    return Recipe.objects.create(owner=alice, name="mine", recipe={"format": "avif", "quality": 41})


@pytest.mark.long
def test_converting_begins_with_the_default_until_it_is_one_no_longer(page: Client, saved: Recipe) -> None:
    assert begins_with(page) == ("webp", None)
    response = page.post(f"/recipes/{saved.pk}/default/", follow=True)
    assert "“mine” is now your default recipe." in text(response)
    assert '<span class="tag">Default</span>' in text(response)
    assert begins_with(page) == ("avif", 41)
    assert begins_with(page, "/convert/?starter=email") == ("jpeg", 75)
    response = page.post("/recipes/default/forget/", follow=True)
    assert '<span class="tag">Default</span>' not in text(response)
    assert begins_with(page) == ("webp", None)
    assert Recipe.objects.filter(pk=saved.pk).exists()


@pytest.mark.long
def test_a_result_used_as_input_begins_with_the_default_too(page: Client, job: Job, saved: Recipe) -> None:
    page.post(f"/recipes/{saved.pk}/default/")
    assert begins_with(page, f"/convert/?upload={job.upload_id}") == ("avif", 41)


def test_there_is_one_default_and_it_leaves_other_choices_alone(
    page: Client, alice: Any, saved: Recipe
) -> None:
    Preferences.choose(alice, retention=timedelta(days=3))
    other = Recipe.objects.create(owner=alice, name="other", recipe={"format": "gif"})
    page.post(f"/recipes/{saved.pk}/default/")
    page.post(f"/recipes/{other.pk}/default/")
    chosen = Preferences.objects.get()
    assert (chosen.recipe, chosen.retention) == (other, timedelta(days=3))


@pytest.mark.parametrize("end", ["deleted", "no longer offered"])
def test_a_default_that_is_gone_leaves_that_of_the_site(page: Client, saved: Recipe, end: str) -> None:
    page.post(f"/recipes/{saved.pk}/default/")
    if end == "deleted":
        page.post(f"/recipes/{saved.pk}/delete/")
    else:
        Recipe.objects.update(recipe={"format": "gone"})
    assert begins_with(page) == ("webp", None)
    assert page.get("/recipes/").status_code == 200


def test_a_default_changes_with_the_recipe(page: Client, saved: Recipe) -> None:
    page.post(f"/recipes/{saved.pk}/default/")
    page.post(f"/recipes/{saved.pk}/", FORM)
    assert begins_with(page) == ("webp", 70)


def test_a_default_is_ones_own(page: Client, strangers_page: Client, saved: Recipe) -> None:
    page.post(f"/recipes/{saved.pk}/default/")
    assert begins_with(strangers_page) == ("webp", None)


def test_a_stranger_makes_nothing_a_default(strangers_page: Client, saved: Recipe) -> None:
    assert strangers_page.post(f"/recipes/{saved.pk}/default/").status_code == 404
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("act", ["", "delete/"])
def test_a_stranger_gets_404(strangers_page: Client, alice: Any, act: str) -> None:
    saved = Recipe.objects.create(owner=alice, name="mine", recipe={"format": "gif"})
    assert strangers_page.get(f"/recipes/{saved.pk}/{act}").status_code == 404
    assert strangers_page.post(f"/recipes/{saved.pk}/{act}", FORM).status_code == 404
    saved.refresh_from_db()
    assert saved.name == "mine"
