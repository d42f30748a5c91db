"""A recipe keeps its logo as long as it exists."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from converter import engine, jobs, storage
from converter.models import Batch, Job, Logo, Recipe, RecipeLink, Upload
from tests.conftest import text
from tests.fakes import RecordingDispatch
from tests.web.conftest import sent

pytestmark = pytest.mark.django_db(transaction=True)

LOOK = {"watermark.position": "center", "watermark.opacity": "100", "watermark.scale": "100"}


def picture(color: str, size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def save(
    page: Client, address: str = "/recipes/new/", name: str = "Logo", file: Any = None, **more: Any
) -> Any:
    data = {"name": name, "recipe-format": "png", **{f"recipe-{path}": value for path, value in LOOK.items()}}
    files = {"recipe-watermark_file": file} if file else {}
    return page.post(address, {**data, **files, **more})


def with_logo(page: Client, color: str = "red") -> Recipe:
    answer = save(page, file=sent("logo.png", picture(color)))
    assert answer.status_code == 302, text(answer)
    return Recipe.objects.get(name="Logo")


def days_later() -> None:
    """Let all uploads expire."""
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=3))
    jobs.sweep.sweep()


@pytest.fixture
def color_of(send: Callable[..., None], worker: RecordingDispatch) -> Callable[..., Any]:
    """Convert a blue image with a recipe, and return the colour in the middle of the result."""

    def color_of(owner: Any, recipe: dict[str, Any]) -> Any:
        blue = picture("blue")
        batch: Batch = jobs.submit.submit(
            owner, outputs=[engine.Recipe.parse(recipe)], files=[jobs.NewFile("blue.png", len(blue))]
        )
        send(batch, blue)
        worker.work()
        job: Job = batch.jobs.get()
        assert job.status == Job.Status.FINISHED, job.error_message
        data, _ = storage.results.read(job.result_key)
        with Image.open(io.BytesIO(data)) as image:
            return image.convert("RGB").getpixel((32, 24))

    return color_of


@pytest.mark.long
def test_a_recipe_converts_with_its_logo_days_later(page: Client, alice: Any, color_of: Any) -> None:
    recipe = with_logo(page)
    days_later()
    assert color_of(alice, recipe.recipe) == (255, 0, 0)
    assert page.get(f"/convert/?recipe={recipe.pk}").status_code == 200


@pytest.mark.long
def test_editing_shows_the_logo_and_changes_it(page: Client, alice: Any, color_of: Any) -> None:
    recipe = with_logo(page)
    days_later()
    address = f"/recipes/{recipe.pk}/"
    shown = text(page.get(address))
    assert f'src="/logos/{recipe.logo_id}/"' in shown
    assert page.get(f"/logos/{recipe.logo_id}/").content == picture("red")
    save(page, address, file=sent("new.png", picture("lime")))
    changed = Recipe.objects.get()
    assert color_of(alice, changed.recipe) == (0, 255, 0)
    assert Logo.objects.get().pk == changed.logo_id


@pytest.mark.long
def test_another_change_keeps_the_logo(page: Client, alice: Any, color_of: Any) -> None:
    recipe = with_logo(page)
    days_later()
    save(page, f"/recipes/{recipe.pk}/", name="Renamed", **{"recipe-watermark.image": str(recipe.logo_id)})
    renamed = Recipe.objects.get(name="Renamed")
    assert renamed.logo_id == recipe.logo_id
    assert color_of(alice, renamed.recipe) == (255, 0, 0)


def test_a_recipe_saved_from_a_job_keeps_the_logo_of_the_job(page: Client, alice: Any, color_of: Any) -> None:
    upload = jobs.keep_image(alice, jobs.NewFile("logo.png", len(picture("red"))))
    stored = storage.uploads.put(upload.key, io.BytesIO(picture("red")), filename="", content_type="")
    jobs.receive(upload.key, stored)
    save(page, **{"recipe-watermark.image": str(upload.pk)})
    recipe = Recipe.objects.get()
    days_later()
    assert color_of(alice, recipe.recipe) == (255, 0, 0)


def test_the_logo_goes_with_the_last_recipe(page: Client) -> None:
    recipe = with_logo(page)
    save(page, name="Second", **{"recipe-watermark.image": str(recipe.logo_id)})
    page.post(f"/recipes/{recipe.pk}/delete/")
    assert Logo.objects.count() == 1
    page.post(f"/recipes/{Recipe.objects.get().pk}/delete/")
    assert not Logo.objects.exists()
    assert page.get(f"/logos/{recipe.logo_id}/").status_code == 404


def test_the_logo_goes_with_the_account(page: Client, alice: Any) -> None:
    with_logo(page)
    alice.delete()
    assert not Logo.objects.exists()


def test_a_logo_whose_recipe_staff_deleted_is_swept(page: Client) -> None:
    with_logo(page)
    Recipe.objects.all().delete()
    jobs.sweep.sweep()
    assert not Logo.objects.exists()


@pytest.mark.long
def test_a_link_carries_the_logo_to_others(
    page: Client, strangers_page: Client, alice: Any, bob: Any, color_of: Any
) -> None:
    recipe = with_logo(page)
    assert strangers_page.get(f"/logos/{recipe.logo_id}/").status_code == 404
    page.get(f"/recipes/{recipe.pk}/link/")
    link = RecipeLink.objects.get()
    days_later()
    assert strangers_page.get(f"/logos/{recipe.logo_id}/").status_code == 200
    assert color_of(bob, link.recipe) == (255, 0, 0)
    save(strangers_page, name="Bob's", **{"recipe-watermark.image": str(recipe.logo_id)})
    page.post(f"/recipes/{recipe.pk}/delete/")
    assert color_of(bob, link.recipe) == (255, 0, 0), "a link outlives the recipe"
    link.delete()
    jobs.sweep.sweep()
    theirs = Recipe.objects.get(name="Bob's")
    assert theirs.logo_id != recipe.logo_id
    assert color_of(bob, theirs.recipe) == (255, 0, 0)


def test_a_strangers_logo_is_not_taken(page: Client, strangers_page: Client) -> None:
    recipe = with_logo(page)
    answer = save(strangers_page, name="Mine", **{"recipe-watermark.image": str(recipe.logo_id)})
    assert answer.status_code == 422
    assert "Your logo has expired. Choose it again." in text(answer)


def test_a_logo_that_is_no_image_is_not_shown(page: Client) -> None:
    save(page, file=sent("logo.png", b"<script>alert(1)</script>"))
    answer = page.get(f"/logos/{Logo.objects.get().pk}/")
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_logo_too_large_to_be_kept_is_refused(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converter.jobs.logos.MOST_BYTES", 10)
    answer = save(page, file=sent("logo.png", picture("red")))
    assert answer.status_code == 422
    assert not Recipe.objects.exists()


def test_a_program_saves_a_recipe_with_a_logo(page: Client, alice: Any, color_of: Any) -> None:
    upload = jobs.keep_image(alice, jobs.NewFile("logo.png", len(picture("red"))))
    stored = storage.uploads.put(upload.key, io.BytesIO(picture("red")), filename="", content_type="")
    jobs.receive(upload.key, stored)
    recipe = {
        "format": "png",
        "watermark": {"image": str(upload.pk), "scale": 1, "opacity": 1, "position": "center"},
    }
    answer = page.post("/api/v1/recipes", {"name": "P", "recipe": recipe}, content_type="application/json")
    assert answer.status_code == 201, text(answer)
    days_later()
    assert color_of(alice, answer.json()["recipe"]) == (255, 0, 0)


def marked(image: str, format: str) -> dict[str, Any]:
    return {
        "format": format,
        "watermark": {"image": image, "scale": 1, "opacity": 1, "position": "center"},
    }


@pytest.mark.long
def test_several_outputs_keep_their_logos(
    page: Client, strangers_page: Client, alice: Any, bob: Any, color_of: Any
) -> None:
    def stored(color: str) -> str:
        upload = jobs.keep_image(alice, jobs.NewFile("logo.png", len(picture(color))))
        file = io.BytesIO(picture(color))
        jobs.receive(upload.key, storage.uploads.put(upload.key, file, filename="", content_type=""))
        return str(upload.pk)

    red, lime = stored("red"), stored("lime")
    outputs = [{"format": "gif"}, marked(red, "png"), marked(red, "tiff"), marked(lime, "png")]
    path, body = "/api/v1/recipes", {"name": "P", "outputs": outputs}
    answer = page.post(path, body, content_type="application/json")
    assert answer.status_code == 201, text(answer)
    assert Logo.objects.count() == 2, "one that two outputs have is kept once"
    days_later()
    _, first, second, third = answer.json()["outputs"]
    colors = [color_of(alice, output) for output in (first, second, third)]
    assert colors == [(255, 0, 0), (255, 0, 0), (0, 255, 0)]

    saved = Recipe.objects.get()
    page.get(f"/recipes/{saved.pk}/link/")
    page.post(f"/recipes/{saved.pk}/delete/")
    assert Logo.objects.count() == 2, "the link keeps them"
    assert color_of(bob, third) == (0, 255, 0)
    RecipeLink.objects.all().delete()
    jobs.sweep.sweep()
    assert not Logo.objects.exists()


def test_guests_see_their_own_logos_only(client: Client) -> None:
    logo = client.post("/convert/watermark/", {"file": sent("logo.png", picture("red"))}).json()["id"]
    shown = client.get(f"/logos/{logo}/")
    assert (shown.status_code, shown.content) == (200, picture("red"))

    other_guest = Client()
    other_guest.post("/convert/watermark/", {"file": sent("logo.png", picture("blue"))})
    assert other_guest.get(f"/logos/{logo}/").status_code == 404
