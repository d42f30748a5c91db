"""Measure the overhead around the engine, and how well the pool uses the cores.

It converts 2-megapixel JPEGs to WebP, one job per file, with SQLite and a folder, as `make run` does.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from converter.models import Upload

POOL_IMAGES = 200
PAIRS = 40


def photo(seed: int, size: tuple[int, int] = (1632, 1224)) -> bytes:
    """Return a JPEG with large shapes, soft edges and a camera's noise."""
    draw = random.Random(seed)
    small = Image.new("RGB", (16, 12))
    small.putdata([tuple(draw.randrange(256) for _ in range(3)) for _ in range(16 * 12)])
    image = small.resize(size, Image.Resampling.BICUBIC)
    noise = Image.effect_noise(size, 40).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
    file = io.BytesIO()
    Image.blend(image, noise, 0.25).save(file, "JPEG", quality=90)
    return file.getvalue()


def prepare(owner: Any, count: int, photos: list[bytes]) -> list[Upload]:
    """Return received uploads whose jobs are queued."""
    from converter import engine, jobs, storage
    from converter.jobs.submit import submit

    files = [jobs.NewFile(f"{n}.jpg", len(photos[n % len(photos)])) for n in range(count)]
    batch = submit(owner, files=files, outputs=[engine.Recipe.parse({"format": "webp", "quality": 80})])
    uploads = []
    for n, job in enumerate(batch.jobs.select_related("upload").order_by("position")):
        data = io.BytesIO(photos[n % len(photos)])
        stored = storage.uploads.put(job.upload.key, data, filename="", content_type="image/jpeg")
        jobs.receive(job.upload.key, stored)
        uploads.append(job.upload)
    return uploads


def overhead(owner: Any, photos: list[bytes]) -> tuple[float, float]:
    """Return two medians of paired runs: whole job ÷ engine, and the addition by the thumbnail."""
    from converter import engine
    from converter.engine import raster
    from converter.jobs import run
    from converter.jobs.thumbnails import THUMBNAIL

    recipe = engine.Recipe.parse({"format": "webp", "quality": 80})
    uploads = prepare(owner, PAIRS + 1, photos)
    whole, thumbnail = [], []
    for n, upload in enumerate(uploads):
        data = photos[n % len(photos)]
        times = [time.perf_counter()]
        for act in (
            lambda data=data: raster.convert(data, recipe),
            lambda data=data: raster.convert(data, THUMBNAIL, recipe),
            lambda upload=upload: run.run(upload.pk),
        ):
            act()
            times.append(time.perf_counter())
        alone, both, job = (end - start for start, end in pairwise(times))
        whole.append(job / both)
        thumbnail.append(both / alone)
    return statistics.median(whole[1:]), statistics.median(thumbnail[1:])  # the first one starts the sandbox


def engine_seconds(photos: list[bytes], processes: int) -> float:
    """Return the engine's time alone for the pool's number of images: the best that the cores can achieve."""
    fork = multiprocessing.get_context("fork")
    share = POOL_IMAGES // processes
    running = [fork.Process(target=convert_many, args=(photos, share)) for _ in range(processes)]
    start = time.perf_counter()
    for process in running:
        process.start()
    for process in running:
        process.join()
    return time.perf_counter() - start


def convert_many(photos: list[bytes], count: int) -> None:
    from converter import engine
    from converter.engine import raster
    from converter.jobs.thumbnails import THUMBNAIL

    recipe = engine.Recipe.parse({"format": "webp", "quality": 80})
    for n in range(count):
        raster.convert(photos[n % len(photos)], THUMBNAIL, recipe)


def pool_seconds(owner: Any, photos: list[bytes], workers: int) -> float:
    from converter.dispatch.pool import PoolDispatch
    from converter.models import Job

    pool = PoolDispatch(workers)
    for upload in prepare(owner, workers, photos):  # warm-up: start processes, load codecs
        pool.ask("converter.events.dispatched.convert", {"upload": str(upload.pk)})
    while Job.objects.unfinished().exists():
        time.sleep(0.05)
    uploads = prepare(owner, POOL_IMAGES, photos)
    start = time.perf_counter()
    for upload in uploads:
        pool.ask("converter.events.dispatched.convert", {"upload": str(upload.pk)})
    while Job.objects.unfinished().exists():
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    pool.close()
    assert not Job.objects.exclude(status=Job.Status.FINISHED).exists()
    return seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "imagesite.settings"
        os.environ["LOG_LEVEL"] = "ERROR"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from django.contrib.auth import get_user_model
        from django.db import connections

        from converter.jobs import run
        from converter.storage.signed import object_created

        object_created.disconnect(
            dispatch_uid="converter.events.local"
        )  # dispatched here, once the clock runs
        owner = get_user_model().objects.create_user("bench@example.org", "secret")
        photos = [photo(n) for n in range(8)]

        whole, thumbnail = overhead(owner, photos)
        print("2-megapixel JPEG to WebP, one job:")
        print(f"  claim, sandbox, storage, database, report: {whole - 1:+.1%} of the engine's own time")
        print(f"  the thumbnail:                             {thumbnail - 1:+.1%}")
        run.SANDBOX.close()
        cores = engine_seconds(photos, 1) / engine_seconds(photos, 2)
        pool = pool_seconds(owner, photos, 1) / pool_seconds(owner, photos, 2)
        print(f"A pool of {POOL_IMAGES} images: {pool:.2f} times as fast with two workers as with one")
        print(f"  the engine alone, in one process and in two: {cores:.2f} times")
        connections.close_all()


if __name__ == "__main__":
    main()
