"""Mount the API. Clients authenticate with a bearer token, or with a session and its CSRF token."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import etag
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.responses import NinjaJSONEncoder
from ninja.security import APIKeyCookie, HttpBearer

from converter.api import (
    batches,
    convert,
    errors,
    formats,
    jobs,
    parameters,
    preferences,
    rates,
    recipes,
    shares,
    uploads,
    webhooks,
)
from converter.api.access import Caller
from converter.api.openapi import Api
from converter.api.parser import StrictParser
from converter.api.problems import Problem
from converter.methods import require_safe
from imagesite.accounts import guests, tokens
from imagesite.accounts.models import User


class Docs(Swagger):
    """Serve the page from our static files: since ninja is not an installed app, it would use a CDN."""

    template = "api/docs.html"

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        shown = {**self.settings, "url": self.get_openapi_url(api, kwargs)}
        context = {"swagger_settings": json.dumps(shown), "api": api}
        return render(request, self.template, context)


READ_METHODS = ("GET", "HEAD", "OPTIONS")


class Token(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        caller = tokens.admitted(request, token.strip())  # one space or more (RFC 9110, 11.4)
        if not caller.may_write and request.method not in READ_METHODS:
            raise Problem(
                "read_only_token",
                headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="write"'},
            )
        return caller


class Session(APIKeyCookie):
    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Caller | None:
        # Anonymous callers get 401, not an error about a missing CSRF token.
        known = request.user.is_authenticated or guests.may_call(request)
        return super().__call__(request) if known else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller:
        if request.user.is_authenticated:
            caller = Caller(user=request.user, key=f"user:{request.user.pk}")
        else:
            guest = self._guest(request)
            caller = Caller(user=guest, key=f"guests:{guest.address_key}")
        rates.spend(request, caller)
        return caller

    @staticmethod
    def _guest(request: HttpRequest) -> User:
        try:
            return guests.begin(request)
        except guests.TooManyGuests as exc:
            raise Problem("too_many_requests", headers={"Retry-After": str(exc.seconds)}) from exc


api = Api(
    title="Imagesite",
    version="1",
    description="Convert, resize and watermark images.",
    urls_namespace="api",
    auth=[Token(), Session()],
    parser=StrictParser(),
    docs=Docs(),
    docs_url=None,
    servers=[{"url": "/"}],
)
errors.install(api)
api.add_decorator(parameters.known_only, mode="view")
api.add_router("/batches", batches.router)
api.add_router("/jobs", jobs.router)
api.add_router("/uploads", uploads.router)
api.add_router("/convert", convert.router)
api.add_router("/recipes", recipes.router)
api.add_router("/webhooks", webhooks.router)
api.add_router("/preferences", preferences.router)
api.add_router("", shares.router)
api.add_router("/formats", formats.router)


@cache
def _document() -> bytes:
    """Return the OpenAPI document. Generating it takes a quarter of a second, so it is cached."""
    return json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder).encode()


@cache
def _document_tag() -> str:
    return f'"{hashlib.sha256(_document()).hexdigest()}"'


@require_safe
@etag(lambda request: _document_tag())
def document(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_document(), content_type="application/json")


@require_safe
@login_not_required
def docs(request: HttpRequest) -> HttpResponse:
    return api.docs.render_page(request, api)


@login_not_required
@csrf_exempt
def unknown(request: HttpRequest, path: str) -> HttpResponse:
    return Problem("not_found").response()


mounted = api.urls
for endpoint in mounted[0]:
    # Ninja authenticates; Django must not redirect API clients to the login page.
    if isinstance(endpoint, URLPattern):
        if endpoint.name == "openapi-json":
            endpoint.callback = document
        login_not_required(endpoint.callback)

urlpatterns = [
    path("v1/", include(mounted[0])),
    path("docs", docs, name="api_docs"),
    path("<path:path>", unknown),
]
