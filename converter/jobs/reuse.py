"""Use a result as the image of the next conversion."""

from __future__ import annotations

import io

from converter import storage
from converter.jobs.errors import Conflict, Gone
from converter.jobs.submit import NewFile, keep_image
from converter.jobs.uploads import receive
from converter.models import Job, Upload


def use_result(job: Job) -> Upload:
    """Return the result as a new image to convert, which nobody has to send again."""
    if job.state == Job.Status.EXPIRED:
        raise Gone(kind="result")
    if not job.has_result:
        raise Conflict("no_result", state=job.status)
    data, _ = storage.results.read(job.result_key)
    upload = keep_image(job.owner, NewFile(job.result_name, len(data)))
    stored = storage.uploads.put(
        upload.key, io.BytesIO(data), filename=upload.name, content_type="application/octet-stream"
    )
    return receive(upload.key, stored) or upload
