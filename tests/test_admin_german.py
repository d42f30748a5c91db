"""The names in the admin are translated into German."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

pytestmark = pytest.mark.django_db


def labels() -> Iterator[str]:
    """Yield all texts that the admin derives from names in the code, and its own."""
    for model, its_admin in admin.site._registry.items():
        if model._meta.app_label not in ("accounts", "converter"):
            continue
        yield str(model._meta.verbose_name)
        yield str(model._meta.verbose_name_plural)
        yield str(apps.get_app_config(model._meta.app_label).verbose_name)
        fieldsets = its_admin.fieldsets or ((None, {"fields": its_admin.fields or ()}),)
        yield from (str(title) for title, _ in fieldsets if title)
        shown = {*its_admin.list_display, *flatten_fieldsets(fieldsets)} - {"__str__"}
        yield from (str(label_for_field(name, model, its_admin)) for name in sorted(shown))
        yield from (str(named.title) for named in its_admin.list_filter if isinstance(named, type))
        actions = (getattr(its_admin, str(name)) for name in its_admin.actions or ())
        yield from (str(action.short_description) for action in actions)
        if its_admin.search_help_text:
            yield str(its_admin.search_help_text)


def test_every_name_in_the_admin_is_translated() -> None:
    with translation.override("en"):
        english = list(labels())
    known = trans_real.translation("de")._catalog  # type: ignore[attr-defined]
    assert sorted({name for name in english if name not in known}) == []
    with translation.override("de"):
        assert list(labels()) == [translation.gettext(name) for name in english]


def test_the_list_of_jobs_is_german_for_who_reads_german(admin_client: Client) -> None:
    page = admin_client.get("/admin/converter/job/", headers={"accept-language": "de"}).content.decode()
    assert "Auftrag zum Ansehen auswählen" in page
    assert "Suche nach E-Mail des Besitzers" in page
    assert "Imagesite-Verwaltung" in page
