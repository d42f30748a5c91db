from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from converter import engine, jobs
from converter.models import Batch, Job, Recipe, Upload
from converter.web.options import recipe_mapping, values_of
from converter.web.starters import STARTERS
from tests.conftest import make_photo, text
from tests.fakes import RecordingDispatch
from tests.web.conftest import FORM, sent, submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.long
def test_the_plain_form_converts(page: Client, photo: bytes, worker: RecordingDispatch) -> None:
    response = page.post("/convert/", {**FORM, "images": [sent("a.jpg", photo), sent("b.jpg", photo)]})
    batch = Batch.objects.get()
    assert response.url == f"/batches/{batch.pk}/"  # type: ignore[attr-defined]
    assert [job.status for job in batch.jobs.all()] == ["queued", "queued"]
    worker.work()
    assert {(job.status, job.result_format) for job in batch.jobs.all()} == {("finished", "webp")}


def test_a_button_converts_straight_to_a_format(page: Client, photo: bytes) -> None:
    assert 'name="to" value="ico"' in text(page.get("/convert/"))
    page.post("/convert/", {**FORM, "to": "ico", "images": sent("a.jpg", photo)})
    assert Job.objects.get().recipe == {"format": "ico"}


def test_a_button_of_no_format_is_refused(page: Client, photo: bytes) -> None:
    assert page.post("/convert/", {**FORM, "to": "heic", "images": sent("a.jpg", photo)}).status_code == 422


@pytest.mark.long
def test_files_keep_their_own_names_and_bytes(page: Client, worker: RecordingDispatch) -> None:
    small, large = make_photo(20, 10), make_photo(40, 30)
    page.post("/convert/", {**FORM, "images": [sent("small.jpg", small), sent("large.jpg", large)]})
    worker.work()
    assert set(Upload.objects.values_list("name", "width")) == {("small.jpg", 20), ("large.jpg", 40)}


def test_every_option_reaches_the_recipe(page: Client, photo: bytes) -> None:
    options = {
        "quality": "55",
        "resize.width": "30",
        "resize.mode": "fill",
        "resize.enlarge": "on",
        "crop.x": "0",
        "crop.y": "1",
        "crop.width": "20",
        "crop.height": "10",
        "focal_point.x": "0",
        "focal_point.y": "42.5",
        "rotate": "90",
        "flip": "vertical",
        "background": "#abcdef",
        "metadata": "keep",
        "color": "keep",
        "frames": "first",
        "watermark.text": "© me",
        "watermark.opacity": "25",
    }
    form = {**FORM, **{f"outputs-0-{name}": value for name, value in options.items()}}
    page.post("/convert/", {**form, "images": sent("a.jpg", photo)})
    assert Job.objects.get().recipe == {
        "format": "webp",
        "quality": 55,
        "resize": {"width": 30, "mode": "fill", "enlarge": True},
        "crop": {"x": 0, "y": 1, "width": 20, "height": 10},
        "focal_point": {"x": 0.0, "y": 0.425},
        "rotate": 90,
        "flip": "vertical",
        "background": "#abcdef",
        "metadata": "keep",
        "color": "keep",
        "frames": "first",
        "watermark": {"text": "© me", "opacity": 0.25},
    }


def test_an_option_that_the_format_lacks_is_left_out(page: Client, photo: bytes) -> None:
    form = {**FORM, "outputs-0-format": "png", "outputs-0-quality": "55"}
    page.post("/convert/", {**form, "images": sent("a.jpg", photo)})
    assert Job.objects.get().recipe == {"format": "png"}


def test_a_resize_mode_without_a_size_is_ignored(page: Client, photo: bytes) -> None:
    page.post("/convert/", {**FORM, "outputs-0-resize.mode": "pad", "images": sent("a.jpg", photo)})
    assert Job.objects.get().recipe == {"format": "webp"}


def test_turning_off_a_default_option_works(page: Client, photo: bytes) -> None:
    form = {**FORM, "outputs-0-format": "jpeg"}  # an unchecked checkbox sends nothing
    page.post("/convert/", {**form, "images": sent("a.jpg", photo)})
    assert Job.objects.get().recipe == {"format": "jpeg", "progressive": False}


def test_a_contradiction_is_reported_at_its_field(page: Client, photo: bytes) -> None:
    form = {**FORM, "outputs-0-quality": "55", "outputs-0-lossless": "on"}
    response = page.post("/convert/", {**form, "images": sent("a.jpg", photo)})
    assert response.status_code == 422
    assert "Lossless keeps every pixel" in str(response.context["outputs"].forms[0].errors["quality"])
    assert not Batch.objects.exists()


def test_without_a_file_it_says_so_and_keeps_the_options(page: Client) -> None:
    response = page.post("/convert/", {**FORM, "outputs-0-quality": "55"})
    assert response.status_code == 422
    assert "Choose at least one image." in text(response)
    assert 'value="55"' in text(response)


def test_one_bad_file_does_not_spoil_the_others(page: Client, photo: bytes) -> None:
    response = page.post(
        "/convert/", {**FORM, "images": [sent("a.jpg", photo), sent("none.jpg", b"")]}, follow=True
    )
    assert Job.objects.count() == 1
    assert "none.jpg is empty." in text(response)


def test_too_large_a_file_is_refused_with_the_limit(page: Client, photo: bytes, settings: Any) -> None:
    settings.CONVERTER_LIMITS = {"max_bytes": 10}
    response = page.post("/convert/", {**FORM, "images": sent("a.jpg", photo)})
    assert response.status_code == 422
    assert "larger than" in text(response)


def test_two_equal_outputs_are_refused(page: Client, photo: bytes) -> None:
    form = {**FORM, "outputs-TOTAL_FORMS": "2", "outputs-1-format": "webp"}
    response = page.post("/convert/", {**form, "images": sent("a.jpg", photo)})
    assert "Two of the outputs are the same." in text(response)


def test_the_page_gets_the_recipe_of_each_output(page: Client) -> None:
    form = {
        **FORM,
        "outputs-0-target_bytes": "12.5",
        "outputs-0-resize.mode": "pad",
        "outputs-0-rotate": "90",
    }
    form |= {"outputs-TOTAL_FORMS": "2", "outputs-1-format": "jpeg", "outputs-1-progressive": "on"}
    assert page.post("/convert/outputs/", form).json() == {
        "outputs": [
            {"recipe": {"format": "webp", "target_bytes": 12500, "rotate": 90}},
            {"recipe": {"format": "jpeg"}},
        ]
    }


def test_the_page_gets_the_errors_of_each_field(page: Client) -> None:
    form = {**FORM, "outputs-TOTAL_FORMS": "2", "outputs-0-quality": "500", "outputs-1-format": "gif"}
    wrong, right = page.post("/convert/outputs/", form).json()["outputs"]
    assert wrong == {"errors": {"quality": ["Quality can be at most 100."]}}
    assert right == {"recipe": {"format": "gif"}}


def test_outputs_without_their_count_are_ignored(page: Client) -> None:
    assert page.post("/convert/outputs/", {}).json() == {"outputs": []}


def test_logged_out_users_are_redirected_to_the_log_in(client: Client, settings: Any) -> None:
    settings.CONVERTER_GUESTS = False
    response = client.post("/convert/outputs/", FORM)
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_each_field_says_which_formats_it_is_for(page: Client) -> None:
    form = page.get("/convert/").context["outputs"].forms[0]
    for name in ("watermark.image", "watermark_file"):
        assert 'data-formats="' in str(form[name])


def test_an_output_is_added_without_scripts(page: Client) -> None:
    response = page.post("/convert/", {**FORM, "outputs-0-quality": "33", "add": "1"})
    assert len(response.context["outputs"].forms) == 2
    assert 'value="33"' in text(response)


def test_an_output_is_removed_without_scripts(page: Client) -> None:
    form = {**FORM, "outputs-TOTAL_FORMS": "2", "outputs-1-format": "gif"}
    outputs = page.post("/convert/", {**form, "remove": "0"}).context["outputs"]
    assert [one["format"].value() for one in outputs.forms] == ["gif"]


@pytest.mark.parametrize("which", ["7", "x", pytest.param("9" * 5000, id="long")])
def test_an_output_that_is_not_there_is_not_removed(page: Client, which: str) -> None:
    form = {**FORM, "outputs-TOTAL_FORMS": "2", "outputs-1-format": "jpeg"}
    assert len(page.post("/convert/", {**form, "remove": which}).context["outputs"].forms) == 2


def test_the_last_output_stays(page: Client) -> None:
    assert len(page.post("/convert/", {**FORM, "remove": "0"}).context["outputs"].forms) == 1


def test_a_watermark_picture_is_stored_and_used(
    page: Client, photo: bytes, worker: RecordingDispatch
) -> None:
    mark = sent("mark.png", make_photo(8, 8, "PNG"))
    page.post("/convert/", {**FORM, "outputs-0-watermark_file": mark, "images": sent("a.jpg", photo)})
    worker.work()
    job = Job.objects.get()
    assert job.status == "finished", job.error_message
    assert job.recipe["watermark"]["image"] == str(Upload.objects.get(name="mark.png").pk)


def test_a_watermark_picture_may_be_sent_first(page: Client, alice: Any) -> None:
    response = page.post("/convert/watermark/", {"file": sent("mark.png", make_photo(8, 8, "PNG"))})
    upload = Upload.objects.get()
    assert (response.status_code, response.json()["id"]) == (201, str(upload.pk))
    assert upload.is_here
    assert upload.owner == alice


def test_an_empty_watermark_picture_is_refused(page: Client) -> None:
    assert page.post("/convert/watermark/", {"file": sent("mark.png", b"")}).status_code == 422


@pytest.mark.long
def test_convert_again_uses_the_images_that_are_here(page: Client, batch: Batch) -> None:
    response = page.get(f"/convert/?batch={batch.pk}")
    upload = Upload.objects.get()
    assert f'value="{upload.pk}"' in text(response)
    assert [form["format"].value() for form in response.context["outputs"]] == ["webp", "tiff"]
    page.post("/convert/", {**FORM, "outputs-0-format": "gif", "uploads": str(upload.pk)})
    assert Job.objects.filter(upload=upload, output_format="gif", status="queued").exists()


@pytest.mark.long
def test_images_that_are_here_keep_their_order(
    page: Client, alice: Any, photo: bytes, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    batch = submit(alice, *[photo] * 5)
    send(batch, *[photo] * 5)
    worker.work()
    shown = page.get(f"/convert/?batch={batch.pk}").context["uploads"]
    assert [upload.name for upload in shown] == [f"photo {n}.jpg" for n in range(5)]
    ids = [str(upload.pk) for upload in reversed(shown)]
    page.post("/convert/", {**FORM, "uploads": ids})
    again = Batch.objects.latest("created_at").jobs.order_by("position")
    assert [str(job.upload_id) for job in again] == ids


def test_new_images_and_those_that_are_here_go_together(page: Client, job: Job) -> None:
    other = make_photo(30, 30)
    page.post("/convert/", {**FORM, "uploads": str(job.upload_id), "images": sent("b.jpg", other)})
    newest = Batch.objects.latest("created_at")
    assert {one.upload.name for one in newest.jobs.all()} == {job.upload.name, "b.jpg"}
    assert Upload.objects.get(name="b.jpg").size == len(other)


@pytest.mark.long
def test_a_strangers_image_is_not_converted(strangers_page: Client, job: Job) -> None:
    response = strangers_page.post("/convert/", {**FORM, "uploads": str(job.upload_id)})
    assert response.status_code == 422
    assert Batch.objects.count() == 1


@pytest.mark.parametrize("asked", ["batch", "job", "recipe"])
def test_a_strangers_images_cannot_be_used(strangers_page: Client, job: Job, alice: Any, asked: str) -> None:
    saved = Recipe.objects.create(owner=alice, name="mine", recipe={"format": "gif"})
    pk = {"batch": job.batch_id, "job": job.pk, "recipe": saved.pk}[asked]
    assert strangers_page.get(f"/convert/?{asked}={pk}").status_code == 404


def test_a_saved_recipe_fills_the_form(page: Client, alice: Any) -> None:
    recipe = {"format": "jpeg", "resize": {"width": 300}}
    saved = Recipe.objects.create(owner=alice, name="small", recipe=recipe)
    form = page.get(f"/convert/?recipe={saved.pk}").context["outputs"].forms[0]
    assert (form["format"].value(), form["resize.width"].value()) == ("jpeg", 300)


@pytest.mark.long
@pytest.mark.parametrize("starter", STARTERS)
def test_every_starter_is_a_recipe_the_form_can_hold(page: Client, starter: str) -> None:
    assert page.get(f"/convert/?starter={starter}").status_code == 200
    for recipe in STARTERS[starter].recipes:
        canonical = engine.Recipe.parse(recipe).canonical()
        assert (
            engine.Recipe.parse(recipe_mapping(recipe["format"], values_of(recipe))).canonical() == canonical
        )


def test_an_invalid_link_starts_with_defaults(page: Client) -> None:
    assert page.get("/convert/?batch=nonsense&starter=none").status_code == 200


@pytest.mark.long
def test_a_batch_is_converted_again_with_the_crops_of_its_images(page: Client, batch: Batch) -> None:
    assert "data-crop=" not in text(page.get(f"/convert/?batch={batch.pk}"))
    for job in batch.jobs.all():
        Job.objects.filter(pk=job.pk).update(
            recipe={**job.recipe, "crop": {"height": 30, "width": 1040, "x": 1, "y": 2}}
        )
    assert 'data-crop="1 2 1040 30"' in text(page.get(f"/convert/?batch={batch.pk}"))
    Batch.objects.filter(pk=batch.pk).update(
        outputs=[
            {**output, "crop": {"height": 30, "width": 1040, "x": 1, "y": 2}} for output in batch.outputs
        ]
    )
    assert "data-crop=" not in text(page.get(f"/convert/?batch={batch.pk}"))  # it is part of the options


def test_a_batch_is_converted_again_with_the_focal_points_of_its_images(page: Client, batch: Batch) -> None:
    assert "data-point=" not in text(page.get(f"/convert/?batch={batch.pk}"))
    own = {"focal_point": {"x": 0.25, "y": 1}, "resize": {"mode": "fill", "width": 9}}
    for job in batch.jobs.all():
        Job.objects.filter(pk=job.pk).update(recipe={**job.recipe, **own})
    again = page.get(f"/convert/?batch={batch.pk}", headers={"accept-language": "de"})
    assert 'data-point="0.25 1"' in text(again)  # with a decimal point in every language


def test_a_batch_or_an_image_is_converted_again_with_the_file_names_and_the_choice_of_one_pdf(
    page: Client, batch: Batch
) -> None:
    Batch.objects.filter(pk=batch.pk).update(name_pattern="{name} {width}")
    for asked in (f"batch={batch.pk}", f"job={batch.jobs.latest('position').pk}"):
        files = page.get(f"/convert/?{asked}").context["files"]
        assert (files["name_pattern"].value(), files["join"].value()) == ("{name} {width}", False)
    assert page.get("/convert/").context["files"]["name_pattern"].value() is None


@pytest.mark.parametrize("button", ["add", "remove", "matrix", "save"])
def test_without_scripts_no_button_forgets_what_was_typed(page: Client, button: str) -> None:
    typed = {"addresses": "https://example.org/a.png", "name_pattern": "{name} {"}
    files = page.post("/convert/", {**FORM, **typed, button: "1"}).context["files"]
    assert (files["addresses"].value(), files["name_pattern"].value()) == tuple(typed.values())
    assert not files["join"].value()
    assert page.post("/convert/", {**FORM, "join": "on", button: "1"}).context["files"]["join"].value()


def test_a_batch_that_is_not_there_is_404(page: Client) -> None:
    assert page.get(f"/convert/?batch={uuid.uuid4()}").status_code == 404


@pytest.mark.long
def test_more_outputs_than_allowed_are_refused(page: Client, photo: bytes, settings: Any) -> None:
    most = settings.CONVERTER_MAX_OUTPUTS
    form = {f"outputs-{n}-format": "webp" for n in range(most + 1)}
    form |= {f"outputs-{n}-quality": str(n + 1) for n in range(most + 1)}
    form |= {"outputs-TOTAL_FORMS": str(most + 1), "outputs-INITIAL_FORMS": "0"}
    assert page.post("/convert/", {**form, "images": sent("a.jpg", photo)}).status_code == 422
    assert not Batch.objects.exists()


@pytest.mark.long
def test_a_form_without_its_counts_does_not_fail(page: Client, photo: bytes) -> None:
    assert page.post("/convert/", {"images": sent("a.jpg", photo)}).status_code == 422
    assert page.post("/convert/", {"add": "1"}).status_code == 200
    assert page.post("/convert/", {"add": "1", "outputs-TOTAL_FORMS": "many"}).status_code == 200


def test_images_are_fetched_by_address(page: Client) -> None:
    lines = "https://example.org/a%20b.jpg?size=2\n\n  http://example.org/c.png "
    page.post("/convert/", {**FORM, "addresses": lines})
    assert set(Upload.objects.values_list("name", "source_url")) == {
        ("a b.jpg", "https://example.org/a%20b.jpg?size=2"),
        ("c.png", "http://example.org/c.png"),
    }


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("ftp://example.org/a.jpg", "A URL must begin with https:// or http://."),
        ("nonsense", "A URL must begin with https:// or http://."),
        ("http://192.168.0.1/a.jpg", "This URL is not on the public internet."),
    ],
)
def test_an_invalid_url_is_reported(page: Client, address: str, problem: str) -> None:
    response = page.post("/convert/", {**FORM, "addresses": address})
    assert response.status_code == 422
    assert problem in text(response)


def test_fetching_can_be_turned_off(page: Client, settings: Any) -> None:
    settings.CONVERTER_IMPORT_BY_URL = False
    assert "Fetch images" not in text(page.get("/convert/"))
    assert page.post("/convert/", {**FORM, "addresses": "https://example.org/a.jpg"}).status_code == 422


@pytest.mark.long
def test_limits_are_passed_to_the_page(page: Client) -> None:
    assert f'data-max-bytes="{jobs.limits().max_bytes}"' in text(page.get("/convert/"))


def test_too_many_files_are_counted_and_refused(page: Client, photo: bytes) -> None:
    files = [sent(f"{n}.jpg", b"x") for n in range(250)]
    answer = page.post("/convert/", {**FORM, "images": files})
    assert answer.status_code == 422
    assert "200 images; this one has 250" in text(answer)
