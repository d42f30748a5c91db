"""Every error has a code, a text in every language, and a format that programs can read."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from imagesite.accounts.cognito.errors import CODES, TEMPLATES, CognitoError, text
from imagesite.accounts.cognito.forms import STRONG, NewPasswordForm

LANGUAGES = [code for code, _ in settings.LANGUAGES]


@pytest.mark.parametrize("code", TEMPLATES)
def test_every_code_is_rendered_in_every_language(code: str) -> None:
    error = CognitoError(code)
    texts = set()
    for language in LANGUAGES:
        with translation.override(language):
            shown = text(error.code, error.params)
        assert "{" not in shown
        texts.add(shown)
    assert len(texts) == len(LANGUAGES)
    with translation.override("en"):
        assert text(error.code, error.params) == str(error)


def test_every_answer_of_cognito_has_a_code_with_a_text() -> None:
    assert set(CODES.values()) <= set(TEMPLATES)


def test_a_refusal_carries_its_parameters() -> None:
    error = CognitoError("too_many_attempts")
    assert (error.code, error.params) == ("too_many_attempts", {"minutes": 15})
    assert str(CognitoError("too_many_attempts", {"minutes": 3})) == (
        "Too many attempts. Wait 3 minutes, then try again."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hint_and_the_refusal_ask_for_the_same_length(language: str) -> None:
    with translation.override(language):
        assert "12" in str(STRONG)
        form: Any = NewPasswordForm({"password": "weak"})
        assert "12" in form.errors["password"][0]
