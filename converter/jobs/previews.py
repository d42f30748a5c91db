"""Make preview images of the original and the result when a user opens the comparison."""

from __future__ import annotations

import io
import logging
import uuid

from django.utils import timezone

from converter import engine, storage
from converter.engine import Message
from converter.jobs import renditions
from converter.jobs.limits import limits
from converter.jobs.links import LINK_LIFETIME, result_url
from converter.jobs.logos import read_watermark, watermark_of
from converter.jobs.run import SANDBOX
from converter.models import Job
from converter.sandbox import Refused, Rendered, SandboxError
from converter.storage import NoRoom, StorageFault

logger = logging.getLogger(__name__)

PREVIEW_SIDE = 2000


def preview_urls(job: Job) -> tuple[str, str] | None:
    """Return links to before and after images that any browser can show, or None if there are none (yet).

    Requests them if needed. Raises NotMade if they could not be made.
    """
    if not job.has_result or not job.upload.is_here or job.is_joined:
        return None
    if not job.previewed_at:
        renditions.ask(_subject(job), "preview", job.owner_id, job=job.pk)
        return None

    def link(key: str) -> str:
        return storage.results.download_url(
            key,
            filename="preview.webp",
            content_type="image/webp",
            lifetime=LINK_LIFETIME,
            until=min(job.batch.expires_at, job.upload.expires_at),
        )

    after = result_url(job) if engine.FORMATS[job.result_format].shows_in_browser else link(job.after_key)
    return link(job.before_key), after


def make_preview(job_id: uuid.UUID) -> None:
    """Store a preview of the original, cropped like the result, and of the result if browsers cannot show it.

    Raises StorageFault, SandboxError if a retry may help.
    """
    job = Job.objects.select_related("upload").filter(pk=job_id, status=Job.Status.FINISHED).first()
    if job is None or job.previewed_at or not job.upload.is_here or not renditions.claim(_subject(job)):
        return
    try:
        refusal = _make(job)
    except FileNotFoundError:
        refusal = Message("no_upload")
    except (StorageFault, SandboxError) as exc:
        renditions.let_go(_subject(job), exc)
        if isinstance(exc, NoRoom):
            return
        raise
    if refusal:
        logger.warning("Preview failed", extra={"job": str(job.pk), "code": refusal.code})
        renditions.give_up(_subject(job), refusal)
    else:
        renditions.done(_subject(job))


def _make(job: Job) -> Message | None:
    """Store the previews; return the reason if one could not be made."""
    data, _ = storage.uploads.read(job.upload.key)
    keys, recipes = [job.before_key], [_preview_recipe(job, watermark=False)]
    if not engine.FORMATS[job.result_format].shows_in_browser:
        keys.append(job.after_key)
        recipes.append(_preview_recipe(job, watermark=True))
    images = {}
    name = watermark_of(job.parsed_recipe)
    if name and (image := read_watermark(job.owner_id, name)):
        images[name] = image
    refusal = None
    for answer in SANDBOX.render(data, recipes, limits(), images):
        if isinstance(answer, Rendered):
            storage.results.put(
                keys[answer.index], io.BytesIO(answer.data), filename="preview.webp", content_type=answer.mime
            )
        elif isinstance(answer, Refused):
            refusal = answer.message
    finished = Job.objects.filter(pk=job.pk, status=Job.Status.FINISHED)
    if not finished.exists():
        storage.results.remove(keys)  # expired or deleted meanwhile
    elif refusal is None:
        finished.update(previewed_at=timezone.now())
    return refusal


def _subject(job: Job) -> str:
    return f"preview {job.pk}"


def _preview_recipe(job: Job, *, watermark: bool) -> engine.Recipe:
    """Return a recipe for a screen-sized WebP with the job's geometry."""
    canonical = job.parsed_recipe.canonical()
    shape = ["pages", "crop", "rotate", "flip", "background", *(["watermark"] if watermark else [])]
    recipe = {key: canonical[key] for key in shape if key in canonical}
    width, height = job.result_width or 1, job.result_height or 1
    scale = min(1, PREVIEW_SIDE / max(width, height))
    # The result's aspect ratio, so that before and after align; "pad" and "fill" stay what they are.
    on_page = "page" in canonical or "margin" in canonical  # the image is centred on a larger page
    resize = {"mode": "pad"} if on_page else canonical.get("resize", {})
    mode = resize.get("mode", "fit")
    if mode == "fill" and "focal_point" in canonical:
        recipe["focal_point"] = canonical["focal_point"]
    recipe["resize"] = {
        **{key: resize[key] for key in ("gravity",) if key in resize},
        "mode": mode if mode in ("fill", "pad") else "stretch",
        "width": max(1, round(width * scale)),
        "height": max(1, round(height * scale)),
        "enlarge": True,
    }
    return engine.Recipe.parse({**recipe, "format": "webp", "quality": 90, "frames": "first"})
