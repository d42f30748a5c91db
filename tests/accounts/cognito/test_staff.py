"""Staff help users, in the admin and in the pool."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.models import User
from tests.accounts.cognito.people import PASSWORD, is_in, log_in
from tests.cloud import cognito as mock

pytestmark = [pytest.mark.django_db, pytest.mark.system, pytest.mark.usefixtures("site")]


@pytest.fixture
def staff(pool: Any, settings: Any) -> Client:
    cognito.sign_up("dave@example.org", PASSWORD)
    cognito.confirm_sign_up("dave@example.org", mock.CODE)
    pool.admin_add_user_to_group(
        UserPoolId=settings.COGNITO_USER_POOL_ID, Username="dave@example.org", GroupName="staff"
    )
    client = Client()
    log_in(client, "dave@example.org")
    return client


def test_staff_remove_a_lost_second_factor(staff: Client, carol: str) -> None:
    person = Client()
    log_in(person, carol)
    person.get("/accounts/second-factor/")
    person.post("/accounts/second-factor/", {"code": mock.totp(datetime.now(UTC))})
    person.post("/accounts/logout/")
    carols = User.objects.get(email=carol)
    staff.post(
        "/admin/accounts/user/", {"action": "remove_second_factor", "_selected_action": [str(carols.pk)]}
    )
    assert log_in(person, carol).headers["Location"] == "/convert/"


def test_users_deleted_by_staff_are_deleted_from_the_pool_too(staff: Client, carol: str) -> None:
    person = Client()
    log_in(person, carol)
    carols = User.objects.get(email=carol)
    assert carols.sub
    assert cognito.is_enabled(carols.sub)
    staff.post(f"/admin/accounts/user/{carols.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(email=carol).exists()
    assert not cognito.is_enabled(carols.sub)
    assert not is_in(person)


def test_a_user_missing_from_the_pool_is_deleted_here(staff: Client) -> None:
    gone = User.objects.create(email="gone@example.org", sub="gone")
    staff.post(f"/admin/accounts/user/{gone.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=gone.pk).exists()


def test_the_admin_has_no_log_in_of_its_own(client: Client) -> None:
    answer = client.get("/admin/", follow=True)
    where = urlsplit(answer.redirect_chain[-1][0])
    assert where.path == "/accounts/login/"
    assert parse_qs(where.query)["next"] == ["/admin/"]
