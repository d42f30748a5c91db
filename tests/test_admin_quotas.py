"""Quotas of individual users, set by staff."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from converter.models import Quota

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(django_user_model: Any) -> Client:
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("root@example.org", "Vr3ndly-otter"))
    return client


def test_a_quota_is_set_by_staff(staff: Client, alice: Any) -> None:
    response = staff.post(
        "/admin/converter/quota/add/", {"owner": alice.pk, "jobs_a_day": 5, "bytes_kept": ""}
    )
    assert response.status_code == 302
    assert Quota.objects.values().get() == {"owner_id": alice.pk, "jobs_a_day": 5, "bytes_kept": None}
    assert LogEntry.objects.get().object_id == str(alice.pk)


def test_a_quota_stays_that_of_its_owner(staff: Client, alice: Any, bob: Any) -> None:
    Quota.objects.create(owner=alice, jobs_a_day=5)
    page = f"/admin/converter/quota/{alice.pk}/change/"
    assert alice.email in staff.get(page).text
    assert staff.post(page, {"owner": bob.pk, "jobs_a_day": 7, "bytes_kept": ""}).status_code == 302
    assert Quota.objects.values_list("owner", "jobs_a_day").get() == (alice.pk, 7)


def test_staff_who_may_not_see_users_are_offered_no_list_of_them_to_pick_from(alice: Any, bob: Any) -> None:
    Quota.objects.create(owner=bob)
    alice.is_staff = True
    alice.save()
    client = Client()
    client.force_login(alice)

    def allow(*names: str) -> None:
        alice.user_permissions.set(Permission.objects.filter(codename__in=names))

    add = "/admin/converter/quota/add/"
    allow("add_quota", "change_quota")
    assert client.get(add).status_code == 403
    assert add not in client.get("/admin/converter/quota/").text
    page = f"/admin/converter/quota/{bob.pk}/change/"
    assert client.post(page, {"jobs_a_day": 7, "bytes_kept": ""}).status_code == 302
    allow("add_quota", "change_quota", "view_user")
    assert client.get(add).status_code == 200
    picker = {"app_label": "converter", "model_name": "quota", "field_name": "owner"}
    assert client.get("/admin/autocomplete/", picker).status_code == 200
