from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.test.utils import override_script_prefix

from imagesite.accounts.local.forms import PasswordChangeForm, SetPasswordForm, SignupForm
from imagesite.accounts.models import User
from tests.conftest import text

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def test_a_new_user_is_logged_in_after_sign_up(client: Client) -> None:
    form = {"email": "New@Example.org", "password1": PASSWORD}
    assert client.post("/accounts/signup/", form).url == "/convert/"  # type: ignore[attr-defined]
    assert User.objects.get().email == "new@example.org"
    assert client.get("/batches/").status_code == 200


def test_sign_up_redirects_to_the_requested_page(client: Client) -> None:
    form = {"email": "new@example.org", "password1": PASSWORD, "next": "/recipes/"}
    assert client.post("/accounts/signup/", form).url == "/recipes/"  # type: ignore[attr-defined]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_up_never_leads_elsewhere(client: Client, elsewhere: str) -> None:
    form = {"email": "new@example.org", "password1": PASSWORD, "next": elsewhere}
    assert client.post("/accounts/signup/", form).url == "/convert/"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"email": "ALICE@example.org"}, "This address already has an account"),
        ({"email": "nonsense"}, "valid email"),
        ({"password1": "1234"}, "too short"),
    ],
)
def test_a_bad_sign_up_says_why(client: Client, alice: Any, form: dict[str, str], says: str) -> None:
    whole = {"email": "new@example.org", "password1": PASSWORD, **form}
    response = client.post("/accounts/signup/", whole)
    assert response.status_code == 422
    assert says in text(response)


@pytest.mark.parametrize("form_class", [SignupForm, PasswordChangeForm, SetPasswordForm])
def test_a_weak_password_is_explained_at_its_field(form_class: Any, alice: Any) -> None:
    fields = {"password1": "1234", "new_password1": "1234"}
    data = {"email": "new@example.org", "old_password": PASSWORD, **fields}
    request = RequestFactory().post("/")
    if form_class is SignupForm:
        form: Any = SignupForm(data)
    elif form_class is PasswordChangeForm:
        form = PasswordChangeForm(alice, data, request=request)
    else:
        form = SetPasswordForm(alice, data)
    wrong = {name: errors for name, errors in form.errors.items() if "password1" in name or "2" in name}
    (name,) = wrong
    assert name.endswith("password1")
    assert "too short" in str(wrong[name])


@pytest.mark.parametrize(
    ("form", "caret"), [({}, "email"), ({"password1": "1234"}, "password1"), ({"email": "x"}, "email")]
)
def test_the_caret_is_where_the_first_error_is(client: Client, form: dict[str, str], caret: str) -> None:
    whole = {"email": "new@example.org", "password1": PASSWORD, **form}
    page = text(client.post("/accounts/signup/", whole) if form else client.get("/accounts/signup/"))
    assert re.findall(r'<input[^>]*name="(\w+)"[^>]* autofocus', page) == [caret]


def test_the_rules_for_passwords_are_in_one_line(client: Client) -> None:
    page = text(client.get("/accounts/signup/"))
    assert page.count("At least 8 characters, not all digits, and not a commonly used password.") == 1
    assert page.count('class="hint"') == 1


def test_a_password_manager_learns_what_it_needs(client: Client, page: Client, alice: Any) -> None:
    sign_up = text(client.get("/accounts/signup/"))
    assert sign_up.count('type="password"') == 1
    assert 'autocomplete="username"' in sign_up
    assert 'autocomplete="new-password"' in sign_up
    assert 'passwordrules="minlength: 8;"' in sign_up
    change = text(page.get("/accounts/password/"))
    assert f'<input autocomplete="username" value="{alice.email}" hidden readonly>' in change
    assert change.count('type="password"') == 2


def test_logged_in_users_need_no_sign_up(page: Client) -> None:
    assert page.get("/accounts/signup/").url == "/convert/"  # type: ignore[attr-defined]


def test_log_in_and_out(client: Client, alice: Any) -> None:
    response = client.post(
        "/accounts/login/?next=/recipes/", {"username": "Alice@Example.org", "password": PASSWORD}
    )
    assert response.url == "/recipes/"  # type: ignore[attr-defined]
    out = client.post("/accounts/logout/")
    assert out.headers["Location"] == "/"
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/batches/").status_code == 302


def test_a_wrong_password_says_so(client: Client, alice: Any) -> None:
    response = client.post("/accounts/login/", {"username": alice.email, "password": "wrong"})
    assert "Wrong e-mail address or password" in text(response)


def test_a_closed_page_says_to_log_in_first(client: Client) -> None:
    response = client.get("/batches/", follow=True)
    assert "Log in to continue." in text(response)


def test_the_password_is_changed(page: Client, alice: Any) -> None:
    new = "a new and longer one"
    form = {"old_password": PASSWORD, "new_password1": new}
    assert "Your password has been changed." in text(page.post("/accounts/password/", form, follow=True))
    alice.refresh_from_db()
    assert alice.check_password(new)


def mailed() -> mail.EmailMessage:
    """Return the first mail, which is sent outside the request."""
    deadline = time.monotonic() + 60
    while not mail.outbox and time.monotonic() < deadline:
        time.sleep(0.01)
    return mail.outbox[0]


def test_the_mail_is_in_the_language_of_the_page_and_leads_below_the_path_of_the_site(
    client: Client, alice: Any
) -> None:
    with override_script_prefix("/images/"):
        client.post("/accounts/password/reset/", {"email": alice.email}, headers={"Accept-Language": "de"})
    message = mailed()
    assert message.subject == "Ihr Imagesite-Passwort zurücksetzen"
    assert "http://testserver/images/accounts/password/reset/" in str(message.body)


def test_a_forgotten_password_is_reset_by_mail(client: Client, alice: Any) -> None:
    assert "Check your e-mail" in text(
        client.post("/accounts/password/reset/", {"email": alice.email}, follow=True)
    )
    message = mailed()
    assert isinstance(message, mail.EmailMultiAlternatives)
    link = re.search(r"http://testserver(\S+)", str(message.body))
    assert link
    page, kind = map(str, message.alternatives[0])
    assert kind == "text/html"
    assert f'href="{link[0]}"' in page
    assert "<img" not in page
    form = client.get(link[1], follow=True)
    assert "Choose a new password" in text(form)
    new = "a new and longer one"
    done = client.post(form.request["PATH_INFO"], {"new_password1": new}, follow=True)
    assert "Password changed" in text(done)
    assert "This link has expired" in text(client.get(link[1], follow=True))
    assert client.login(username=alice.email, password=new)


def test_an_unknown_address_gets_the_same_response(client: Client) -> None:
    response = client.post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert "Check your e-mail" in text(response)
    assert not mail.outbox


@pytest.mark.parametrize(
    "path", ["login/", "signup/", "password/reset/", "password/reset/sent/", "password/reset/done/"]
)
def test_pages_for_strangers_are_open(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 200
