from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from moto import mock_aws
from moto.utilities.utils import load_resource

import imagesite.urls  # noqa: F401  # the URLs depend on the settings at import: before a test sets a pool
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito import jwt
from tests.accounts.cognito.people import PASSWORD
from tests.cloud import cognito as mock


@pytest.fixture
def pool(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Create an empty user pool; yield the administrator's client."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP", "true")
    mock.patch(monkeypatch.setattr)
    settings.COGNITO_USER_POOL_ID = "eu-west-1_"  # for the client's region; made once
    client = cognito._client()
    with mock_aws():
        settings.COGNITO_USER_POOL_ID, settings.COGNITO_CLIENT_ID = mock.make_pool(client)
        public = load_resource("cognitoidp/resources/jwks-public.json")["keys"]
        monkeypatch.setattr(jwt, "_keys", jwt.KeyCache())
        monkeypatch.setattr(jwt, "fetch_keys", lambda: public)
        yield client


@pytest.fixture
def carol(pool: Any) -> str:
    """Sign up and confirm a user; return her email address."""
    cognito.sign_up("carol@example.org", PASSWORD)
    cognito.confirm_sign_up("carol@example.org", mock.CODE)
    return "carol@example.org"


@pytest.fixture
def site(pool: Any, settings: Any) -> Iterator[None]:
    """Configure the whole site with this pool."""
    settings.ROOT_URLCONF = "tests.accounts.cognito.site_urls"
    settings.AUTHENTICATION_BACKENDS = ["imagesite.accounts.cognito.backend.CognitoBackend"]
    settings.TOKEN_VERIFIERS = [
        "imagesite.accounts.cognito.api_tokens.own_token",
        "imagesite.accounts.cognito.api_tokens.cognito_token",
    ]
    middleware = list(settings.MIDDLEWARE)
    place = middleware.index("imagesite.accounts.middleware.LoginMiddleware")
    settings.MIDDLEWARE = [
        *middleware[:place],
        "imagesite.accounts.cognito.middleware.CognitoMiddleware",
        *middleware[place:],
    ]
    cache.clear()
    yield
    cache.clear()
