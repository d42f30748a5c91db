"""What can go wrong for a program, as RFC 9457 problem details. Every problem has a code that never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponseBase, JsonResponse

CONTENT_TYPE = "application/problem+json"

# The codes that the API itself gives, with their status and what they mean.
KINDS: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "The request could not be understood"),
    "malformed_json": (400, "The body is not JSON"),
    "unauthenticated": (401, "Who are you?"),
    "invalid_token": (401, "The token is not valid"),
    "forbidden": (403, "Not allowed"),
    "csrf_failed": (403, "The CSRF token is missing or wrong"),
    "read_only_token": (403, "The token may only read"),
    "not_found": (404, "Nothing here"),
    "method_not_allowed": (405, "The method is not allowed here"),
    "conflict": (409, "Not possible in this state"),
    "name_taken": (409, "The name is taken"),
    "not_looked_into": (409, "Nobody has looked into the file yet"),
    "in_progress": (409, "The first request with this key still runs"),
    "expired": (410, "Expired and deleted"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body is of the wrong type"),
    "invalid_request": (422, "The request makes no sense"),
    "invalid_recipe": (422, "The recipe makes no sense"),
    "invalid_submission": (422, "The batch makes no sense"),
    "not_in_time": (422, "Not to be had at once"),
    "key_reused": (422, "The idempotency key was used for another request"),
    "quota_exceeded": (429, "More than you may use"),
    "too_many_requests": (429, "Too many requests"),
    "internal_error": (500, "Our mistake"),
    "unavailable": (503, "Not available at the moment"),
}

# Refusals of `jobs` and of the engine bring a code of their own; their status follows from what kind of refusal they
# are. A title says what a code means, the same each time; what is special to the occasion stands in the detail.
BROUGHT: Mapping[str, str] = {
    "empty_file": "The file is empty",
    "not_an_image": "This is not an image",
    "unsupported_format": "This format is not read here",
    "truncated": "The image is cut off",
    "corrupt": "The image is damaged",
    "too_many_bytes": "The file is too large",
    "too_many_pixels": "The picture is too large",
    "too_many_frames": "Too many frames or pages",
    "engine_error": "The image could not be converted",
    "cannot_produce": "This result cannot be made",
    "too_large_for_format": "Too large for this format",
    "target_unreachable": "The target cannot be reached",
    "no_watermark": "The watermark picture is not here",
    "out_of_memory": "The image needs too much memory",
    "timed_out": "It took too long",
    "crashed": "The decoder broke down",
    "gave_up": "The conversion broke off several times",
    "upload_timed_out": "The file never came",
    "queue_timed_out": "No worker was free",
    "upload_replaced": "The file was replaced",
    "no_upload": "The file is no longer here",
    "no_result": "There is no result",
    "fetch_failed": "The image could not be fetched",
    "no_files": "No image",
    "no_outputs": "No output",
    "too_many_files": "Too many images at once",
    "too_many_outputs": "Too many outputs at once",
    "same_outputs": "Two outputs are the same",
    "already_uploaded": "The file is already here",
    "refused": "Refused",
}

FOR_STATUS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "expired",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "too_many_requests",
    503: "unavailable",
}

DETAILS = {
    "bad_request": "Check the address, the headers and the body.",
    "csrf_failed": "Send the CSRF token of the page as the header X-CSRFToken, or use a bearer token.",
    "forbidden": "You may not do this.",
    "not_found": "There is nothing under this address, or it is not yours.",
    "method_not_allowed": "See the header Allow for what is possible here.",
    "body_too_large": "Send less at once. Image bytes go to the upload form, not into the request.",
    "internal_error": "Something broke on our side and was logged. Trying again may help.",
    "unavailable": "Something we need did not answer. Try again in a moment.",
}


class Problem(Exception):
    """A request that is refused with one of KINDS."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> JsonResponse:
        status, _ = KINDS[self.code]
        body = document(self.code, status, self.detail, self.errors)
        return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=self.headers)


def title(code: str) -> str:
    return BROUGHT.get(code) or KINDS[code][1]


def document(code: str, status: int, detail: str, errors: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"/problems/{code}/",
        "title": title(code),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = list(errors)
    return body


def from_status(response: HttpResponseBase) -> JsonResponse:
    """Return the problem that says what an error page says, with that page's headers."""
    status = response.status_code
    code = FOR_STATUS.get(status, "internal_error" if status >= 500 else "bad_request")
    problem = JsonResponse(
        document(code, status, DETAILS.get(code, f"{title(code)}.")),
        status=status,
        content_type=CONTENT_TYPE,
    )
    for name, value in response.items():
        if name not in ("Content-Type", "Content-Length"):
            problem[name] = value
    return problem
