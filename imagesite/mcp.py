"""Mount the MCP server. Clients authenticate with a bearer token, as for the API, but not with a session."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from converter.api import errors
from converter.api.access import Caller
from converter.api.problems import Problem
from converter.mcp import views
from imagesite.accounts import tokens


@csrf_exempt  # browsers do not send bearer tokens on their own
@login_not_required
def endpoint(request: HttpRequest) -> HttpResponse:
    try:
        views.check_origin(request)
        return views.answer(request, _caller(request))
    except Exception as exc:
        return errors.answer(request, exc)


def _caller(request: HttpRequest) -> Caller:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
    return tokens.admitted(request, secret.strip())


urlpatterns = [path("", endpoint, name="endpoint")]
