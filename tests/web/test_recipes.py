from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from converter.models import Job, Preferences, Recipe
from tests.conftest import text
from tests.fakes import RecordingDispatch
from tests.web.conftest import FORM as CONVERT_FORM
from tests.web.conftest import sent

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


def test_an_invisible_name_is_refused(page: Client) -> None:
    response = page.post("/recipes/new/", {**FORM, "name": "\u200b\u2066"})
    assert response.status_code == 422
    assert not Recipe.objects.exists()


def test_an_invalid_recipe_is_refused(page: Client) -> None:
    response = page.post("/recipes/new/", {**FORM, "recipe-lossless": "on"})
    assert response.status_code == 422
    assert not Recipe.objects.exists()


def test_the_sentence_follows_the_form(page: Client) -> None:
    said = page.post("/recipes/sentence/", FORM).json()
    assert said == {"sentence": "WebP, quality 70, fit in 900 wide, metadata removed"}
    assert page.post("/recipes/sentence/", {**FORM, "recipe-quality": "0"}).json()["errors"]


def test_the_settings_of_a_result_become_a_recipe(page: Client, job: Job) -> None:
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
    """Return the initial format and quality of the convert page."""
    form = page.get(path).context["outputs"].forms[0]
    return form["format"].value(), form["quality"].value()


@pytest.fixture
def saved(alice: Any) -> Recipe:
    return Recipe.objects.create(owner=alice, name="mine", recipe={"format": "avif", "quality": 41})


@pytest.mark.long
def test_converting_starts_with_the_default_while_it_is_one(page: Client, saved: Recipe) -> None:
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


def test_there_is_one_default_and_other_preferences_are_kept(page: Client, alice: Any, saved: Recipe) -> None:
    Preferences.choose(alice, retention=timedelta(days=3))
    other = Recipe.objects.create(owner=alice, name="other", recipe={"format": "gif"})
    page.post(f"/recipes/{saved.pk}/default/")
    page.post(f"/recipes/{other.pk}/default/")
    chosen = Preferences.objects.get()
    assert (chosen.recipe, chosen.retention) == (other, timedelta(days=3))


@pytest.mark.parametrize("end", ["deleted", "no longer offered"])
def test_a_deleted_default_falls_back_to_that_of_the_site(page: Client, saved: Recipe, end: str) -> None:
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


def test_a_default_applies_only_to_its_owner(page: Client, strangers_page: Client, saved: Recipe) -> None:
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


SET = [{"format": "webp", "resize": {"width": 40}}, {"format": "jpeg", "quality": 60}]
OUTPUTS = {
    "outputs-TOTAL_FORMS": "2",
    "outputs-INITIAL_FORMS": "0",
    "outputs-0-format": "webp",
    "outputs-0-resize.width": "40",
    "outputs-1-format": "jpeg",
    "outputs-1-progressive": "on",
    "outputs-1-aim": "number",
    "outputs-1-quality": "60",
}
"""The form data of the convert page for SET."""


@pytest.fixture
def of_two(alice: Any) -> Recipe:
    return Recipe.objects.create(owner=alice, name="Set", recipe=SET[0], more=SET[1:])


def formats(shown: Any) -> list[str]:
    return [form["format"].value() for form in shown.context["outputs"]]


def test_the_convert_page_saves_its_outputs_and_brings_them_back(page: Client) -> None:
    shown = page.post("/convert/", {**OUTPUTS, "save": "1", "save-name": "Set"}, follow=True)
    recipe = Recipe.objects.get()
    assert (recipe.name, recipe.outputs) == ("Set", SET)
    assert shown.redirect_chain == [(f"/convert/?recipe={recipe.pk}", 302)]
    assert formats(shown) == ["webp", "jpeg"]
    assert "“Set” saved." in text(shown)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"save-name": ""}, "This field is required."),
        ({"save-name": "Taken"}, "You already have a recipe with this name."),
        ({"save-name": "x", "outputs-1-format": "webp", "outputs-1-quality": "", "outputs-1-aim": "", "outputs-1-resize.width": "40"}, "Two of the outputs are the same."),
    ],
)  # fmt: skip
def test_save_errors_are_shown_on_the_convert_page(
    page: Client, alice: Any, changed: dict[str, str], told: str
) -> None:
    Recipe.objects.create(owner=alice, name="Taken", recipe={"format": "gif"})
    answer = page.post("/convert/", {**OUTPUTS, "save": "1", **changed})
    assert answer.status_code == 422
    assert told in text(answer)
    assert Recipe.objects.count() == 1


def test_a_guest_saves_nothing(client: Client) -> None:
    assert "Save as recipe" not in text(client.get("/convert/", follow=True))
    client.post("/convert/", {**OUTPUTS, "save": "1", "save-name": "Set"})
    assert not Recipe.objects.exists()


def test_a_guest_is_told_that_saving_needs_a_login(
    client: Client, worker: RecordingDispatch, photo: bytes
) -> None:
    client.post("/convert/", {**CONVERT_FORM, "images": sent("a.jpg", photo)})
    worker.work()
    assert "Save as recipe (log in first)" in text(client.get(f"/jobs/{Job.objects.get().pk}/"))


def test_all_outputs_are_listed_and_edited(page: Client, of_two: Recipe) -> None:
    listed = text(page.get("/recipes/"))
    assert "WebP" in listed
    assert "JPEG, quality 60" in listed
    assert formats(page.get(f"/recipes/{of_two.pk}/")) == ["webp", "jpeg"]
    form = {
        **FORM,
        "outputs": "2",
        "recipe-1-format": "avif",
        "recipe-1-resize.width": "20",
    }
    page.post(f"/recipes/{of_two.pk}/", form)
    of_two.refresh_from_db()
    assert [output["format"] for output in of_two.outputs] == ["webp", "avif"]
    assert of_two.more == [{"format": "avif", "resize": {"width": 20}}]


@pytest.mark.parametrize("name", ["", "Half a na"])
def test_an_output_is_added_before_there_is_a_name(page: Client, name: str) -> None:
    shown = page.post("/recipes/new/", {"name": name, "recipe-format": "webp", "add": "1"})
    assert formats(shown) == ["webp", "jpeg"]
    assert shown.context["name"]["name"].value() == name
    assert "This field is required" not in text(shown)


@pytest.mark.long
def test_outputs_are_added_and_removed_before_saving(page: Client, of_two: Recipe) -> None:
    path, form = f"/recipes/{of_two.pk}/", {**FORM, "outputs": "2", "recipe-1-format": "avif"}
    assert formats(page.post(path, {**form, "add": "1"})) == ["webp", "avif", "jpeg"]
    assert formats(page.post(path, {**form, "remove": "0"})) == ["avif"]
    assert formats(page.post(path, {**form, "remove": "9" * 5000})) == ["webp", "avif"]
    of_two.refresh_from_db()
    assert of_two.outputs == SET
    page.post(path, FORM)
    of_two.refresh_from_db()
    assert of_two.more is None


def test_the_sentence_names_every_output(page: Client) -> None:
    said = page.post("/recipes/sentence/", {**FORM, "outputs": "2", "recipe-1-format": "gif"}).json()
    assert said["sentence"].startswith("WebP, quality 70")
    assert "; GIF" in said["sentence"]


def test_a_default_of_several_outputs_begins_with_all(page: Client, of_two: Recipe) -> None:
    page.post(f"/recipes/{of_two.pk}/default/")
    assert formats(page.get("/convert/")) == ["webp", "jpeg"]


@pytest.mark.long
def test_a_link_carries_all_outputs(page: Client, strangers_page: Client, of_two: Recipe) -> None:
    first = page.get(f"/recipes/{of_two.pk}/link/")["location"]
    assert page.get(f"/recipes/{of_two.pk}/link/")["location"] == first
    shown = strangers_page.get(first)
    assert shown.context["outputs"] == SET
    token = first.strip("/").rsplit("/", 1)[-1]
    assert formats(strangers_page.get(f"/convert/?link={token}")) == ["webp", "jpeg"]
    assert formats(strangers_page.get(f"/recipes/new/?link={token}")) == ["webp", "jpeg"]
    of_two.more = None
    of_two.save()
    assert page.get(f"/recipes/{of_two.pk}/link/")["location"] != first


def test_a_starter_of_several_outputs_is_saved_whole(page: Client) -> None:
    assert formats(page.get("/recipes/new/?starter=everywhere")) == ["avif", "webp", "jpeg"]
