from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from django.conf import settings
from warrant.aws_srp import AWSSRP

from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito import jwt
from imagesite.accounts.cognito.client import Challenge, Tokens
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable
from tests.accounts.cognito.people import PASSWORD
from tests.cloud import cognito as mock

pytestmark = pytest.mark.system

NEW = "Another horse 2 battery"


def refused(code: str) -> Any:
    return pytest.raises(CognitoError, check=lambda error: error.code == code)


def logged_in(email: str, password: str = PASSWORD) -> Tokens:
    answer = cognito.log_in(email, password)
    assert isinstance(answer, Tokens)
    return answer


# --- Sign up ------------------------------------------------------------------------------------------------


def test_it_works(carol: str) -> None:
    tokens = logged_in(carol)
    claims = jwt.verify(tokens.id, "id", access=tokens.access)
    assert claims["email"] == carol
    assert claims["sub"] == jwt.verify(tokens.access, "access")["sub"]


def test_nobody_logs_in_before_the_address_is_confirmed(pool: Any) -> None:
    cognito.sign_up("carol@example.org", PASSWORD)
    with refused("not_confirmed"):
        cognito.log_in("carol@example.org", PASSWORD)
    with refused("wrong_credentials"):
        cognito.log_in("carol@example.org", "a guess")


def test_a_wrong_code_confirms_nothing(pool: Any) -> None:
    cognito.sign_up("carol@example.org", PASSWORD)
    with refused("wrong_code"):
        cognito.confirm_sign_up("carol@example.org", "000000")
    with refused("not_confirmed"):
        cognito.log_in("carol@example.org", PASSWORD)


def test_a_weak_password_is_refused(pool: Any) -> None:
    with refused("weak_password"):
        cognito.sign_up("carol@example.org", "password")


def test_responses_do_not_reveal_who_has_an_account(carol: str) -> None:
    cognito.sign_up(carol, NEW)
    for act in (
        lambda email: cognito.confirm_sign_up(email, mock.CODE),
        lambda email: cognito.log_in(email, "a guess"),
        lambda email: cognito.reset_password(email, "000000", NEW),
    ):
        answers = []
        for email in (carol, "nobody@example.org"):
            with pytest.raises(CognitoError) as error:
                act(email)
            answers.append((error.value.code, str(error.value)))
        assert answers[0] == answers[1]
    for email in (carol, "nobody@example.org"):
        cognito.resend_code(email)
        cognito.request_password_reset(email)
    assert logged_in(carol).access


# --- Log in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.lower(), PASSWORD + " "])
def test_a_wrong_password_is_refused(carol: str, password: str) -> None:
    with refused("wrong_credentials"):
        cognito.log_in(carol, password)


@pytest.mark.parametrize(
    "password", ["Unicode é 写真 horse 1", "  Spaces around 1 it  ", "Quote'\"<&> horse 1"]
)
def test_any_password_works(pool: Any, password: str) -> None:
    cognito.sign_up("carol@example.org", password)
    cognito.confirm_sign_up("carol@example.org", mock.CODE)
    logged_in("carol@example.org", password)


def test_srp_works_for_many_random_values(carol: str) -> None:
    # Numbers are padded depending on their first bit: a few attempts cover both cases.
    for _ in range(6):
        logged_in(carol)


def test_the_password_never_leaves_the_process(carol: str) -> None:
    sent: list[bytes] = []
    listen = cognito._client().meta.events

    def note(request: Any, **kwargs: Any) -> None:
        sent.append(request.body)

    listen.register("before-send.cognito-identity-provider.*", note)
    logged_in(carol)
    listen.unregister("before-send.cognito-identity-provider.*", note)
    assert len(sent) == 2
    assert not any(PASSWORD.encode() in body for body in sent)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_an_unsafe_server_value_is_refused(times: int) -> None:
    srp = AWSSRP("a", "b", "eu-west-1_x", "client", client=object())
    b = f"{times * mock.PRIME:x}"
    parameters = {"SRP_B": b, "SALT": "1", "USER_ID_FOR_SRP": "x", "USERNAME": "x", "SECRET_BLOCK": ""}
    with pytest.raises(CognitoUnavailable):
        cognito._proof(srp, parameters, datetime.now(UTC))


def test_the_signed_time_is_in_english_without_a_leading_zero(settings: Any) -> None:
    settings.COGNITO_USER_POOL_ID = "eu-west-1_x"
    srp = AWSSRP("a", "b", "eu-west-1_x", "client", client=object())
    parameters = {"SRP_B": "2", "SALT": "1", "USER_ID_FOR_SRP": "x", "USERNAME": "y", "SECRET_BLOCK": "AA=="}
    proof = cognito._proof(srp, parameters, datetime(2026, 3, 7, 4, 5, 6, tzinfo=UTC))
    assert proof["TIMESTAMP"] == "Sat Mar 7 04:05:06 UTC 2026"


def test_a_locked_account_gets_the_same_response_as_a_stranger(carol: str) -> None:
    for _ in range(mock.ATTEMPTS):
        with refused("wrong_credentials"):
            cognito.log_in(carol, "a guess")
    with refused("wrong_credentials"):
        cognito.log_in(carol, PASSWORD)


@pytest.mark.parametrize(
    "code",
    [
        "CodeMismatchException",
        "ExpiredCodeException",
        "LimitExceededException",
        "NotAuthorizedException",
        "TooManyFailedAttemptsException",
        "UserNotConfirmedException",
        "UserNotFoundException",
    ],
)
def test_every_wrong_code_has_the_same_response(pool: Any, code: str) -> None:
    with Stubber(cognito._client()) as stub:
        stub.add_client_error("confirm_forgot_password", code)
        with refused("wrong_code"):
            cognito.reset_password("carol@example.org", mock.CODE, NEW)
        if code != "UserNotConfirmedException":
            stub.add_client_error("confirm_sign_up", code)
            with refused("wrong_code"):
                cognito.confirm_sign_up("carol@example.org", mock.CODE)


def test_too_many_requests_for_codes_get_the_same_response_as_a_stranger(pool: Any) -> None:
    with Stubber(cognito._client()) as stub:
        stub.add_client_error("forgot_password", "LimitExceededException")
        cognito.request_password_reset("carol@example.org")
        stub.add_client_error("resend_confirmation_code", "LimitExceededException")
        cognito.resend_code("carol@example.org")


def test_a_disabled_user_gets_the_same_response_as_a_stranger(pool: Any, carol: str) -> None:
    pool.admin_disable_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=carol)
    with refused("wrong_credentials"):
        cognito.log_in(carol, PASSWORD)


# --- Challenges ---------------------------------------------------------------------------------------------


def test_a_user_created_by_staff_chooses_a_password_at_the_first_log_in(pool: Any, settings: Any) -> None:
    pool.admin_create_user(
        UserPoolId=settings.COGNITO_USER_POOL_ID,
        Username="dave@example.org",
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "dave@example.org"}],
    )
    challenge = cognito.log_in("dave@example.org", PASSWORD)
    assert isinstance(challenge, Challenge)
    assert challenge.name == "NEW_PASSWORD_REQUIRED"
    with refused("weak_password"):
        cognito.answer_new_password(challenge, "weak")
    assert isinstance(cognito.answer_new_password(challenge, NEW), Tokens)
    with refused("wrong_credentials"):
        cognito.log_in("dave@example.org", PASSWORD)
    logged_in("dave@example.org", NEW)


def set_up_totp(email: str) -> Tokens:
    tokens = logged_in(email)
    assert cognito.begin_totp(tokens.access) == mock.TOTP_SECRET
    cognito.enable_totp(tokens.access, mock.totp(datetime.now(UTC)))
    return tokens


def test_a_second_factor_is_asked_for_once_it_is_set_up(carol: str) -> None:
    tokens = set_up_totp(carol)
    assert cognito.has_totp(tokens.access)
    challenge = cognito.log_in(carol, PASSWORD)
    assert isinstance(challenge, Challenge)
    assert challenge.name == "SOFTWARE_TOKEN_MFA"
    with refused("wrong_shown_code"):
        cognito.answer_totp(challenge, "000000")
    answer = cognito.answer_totp(challenge, mock.totp(datetime.now(UTC)))
    assert isinstance(answer, Tokens)
    cognito.disable_totp(answer.access)
    assert not cognito.has_totp(answer.access)
    logged_in(carol)


def test_a_second_factor_needs_the_right_code_to_be_set_up(carol: str) -> None:
    tokens = logged_in(carol)
    cognito.begin_totp(tokens.access)
    with refused("wrong_shown_code"):
        cognito.enable_totp(tokens.access, "000000")
    logged_in(carol)


def test_a_pool_that_insists_has_it_set_up_at_log_in(pool: Any, carol: str, settings: Any) -> None:
    pool.set_user_pool_mfa_config(
        UserPoolId=settings.COGNITO_USER_POOL_ID,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="ON",
    )
    challenge = cognito.log_in(carol, PASSWORD)
    assert isinstance(challenge, Challenge)
    assert challenge.name == "MFA_SETUP"
    _secret, begun = cognito.begin_mfa_setup(challenge)
    with refused("wrong_shown_code"):
        cognito.answer_mfa_setup(begun, "000000")
    assert isinstance(cognito.answer_mfa_setup(begun, mock.totp(datetime.now(UTC))), Tokens)


def test_staff_remove_a_lost_second_factor(carol: str) -> None:
    tokens = set_up_totp(carol)
    cognito.remove_totp(jwt.verify(tokens.access, "access")["sub"])
    logged_in(carol)


def test_an_unsupported_challenge_is_reported(carol: str) -> None:
    with Stubber(cognito._client()) as stub:
        stub.add_response("initiate_auth", {"ChallengeName": "CUSTOM_CHALLENGE"})
        with refused("unsupported"):
            cognito.log_in(carol, PASSWORD)


def test_an_old_challenge_asks_to_log_in_again(carol: str) -> None:
    with refused("session_expired"):
        cognito.answer_totp(Challenge("SOFTWARE_TOKEN_MFA", "x" * 30, carol), "123456")


# --- Once logged in -----------------------------------------------------------------------------------------


def test_tokens_are_renewed(carol: str) -> None:
    id_token, access = cognito.refresh(logged_in(carol).refresh)
    assert jwt.verify(id_token, "id")["sub"] == jwt.verify(access, "access")["sub"]


def end_by_log_out(pool: Any, tokens: Tokens, email: str) -> None:
    cognito.log_out(tokens.refresh)


def end_everywhere(pool: Any, tokens: Tokens, email: str) -> None:
    cognito.log_out_everywhere(logged_in(email).access)


def end_by_disabling(pool: Any, tokens: Tokens, email: str) -> None:
    pool.admin_disable_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=email)


def end_by_deleting(pool: Any, tokens: Tokens, email: str) -> None:
    pool.admin_delete_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=email)


@pytest.mark.parametrize("end", [end_by_log_out, end_everywhere, end_by_disabling, end_by_deleting])
def test_an_ended_session_gets_no_new_tokens(pool: Any, carol: str, end: Any) -> None:
    tokens = logged_in(carol)
    end(pool, tokens, carol)
    with refused("session_expired"):
        cognito.refresh(tokens.refresh)


def test_a_password_is_changed_with_the_old_one(carol: str) -> None:
    tokens = logged_in(carol)
    with refused("wrong_password"):
        cognito.change_password(tokens.access, "a guess", NEW)
    with refused("weak_password"):
        cognito.change_password(tokens.access, PASSWORD, "weak")
    cognito.change_password(tokens.access, PASSWORD, NEW)
    logged_in(carol, NEW)


def test_a_forgotten_password_is_reset_with_the_code(carol: str) -> None:
    cognito.request_password_reset(carol)
    with refused("wrong_code"):
        cognito.reset_password(carol, "000000", NEW)
    with refused("weak_password"):
        cognito.reset_password(carol, mock.CODE, "weak")
    cognito.reset_password(carol, mock.CODE, NEW)
    logged_in(carol, NEW)


def test_resetting_a_password_ends_existing_sessions(carol: str) -> None:
    tokens = logged_in(carol)
    cognito.request_password_reset(carol)
    cognito.reset_password(carol, mock.CODE, NEW)
    with refused("session_expired"):
        cognito.refresh(tokens.refresh)


def test_the_pool_knows_who_is_disabled(pool: Any, carol: str) -> None:
    sub = jwt.verify(logged_in(carol).access, "access")["sub"]
    assert cognito.is_enabled(sub)
    pool.admin_disable_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=carol)
    assert not cognito.is_enabled(sub)
    assert not cognito.is_enabled("00000000-0000-0000-0000-000000000000")


# --- Faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["InternalErrorException", "ResourceNotFoundException", "InvalidParameterException"]
)
def test_an_error_of_the_pool_is_a_fault_and_not_a_wrong_password(carol: str, code: str) -> None:
    with Stubber(cognito._client()) as stub:
        stub.add_client_error("initiate_auth", code)
        with pytest.raises(CognitoUnavailable, match=code):
            cognito.log_in(carol, PASSWORD)


def test_a_throttled_pool_asks_to_wait(carol: str) -> None:
    with Stubber(cognito._client()) as stub:
        stub.add_client_error("initiate_auth", "TooManyRequestsException")
        with refused("too_many_attempts"):
            cognito.log_in(carol, PASSWORD)


def test_a_pool_that_does_not_answer_is_a_fault(carol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://cognito")

    monkeypatch.setattr(cognito._client(), "initiate_auth", fail)
    with pytest.raises(CognitoUnavailable, match="EndpointConnectionError"):
        cognito.log_in(carol, PASSWORD)


def test_no_password_and_no_address_is_logged(carol: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        cognito.sign_up(carol, NEW)
        cognito.resend_code("nobody@example.org")
        cognito.request_password_reset("nobody@example.org")
        with refused("wrong_credentials"):
            cognito.log_in(carol, NEW)
    assert "example.org" not in caplog.text
    assert "horse" not in caplog.text
