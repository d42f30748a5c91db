from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from converter import webhooks
from converter.models import Webhook
from converter.webhooks import endpoints, outbox, signing
from tests.conftest import make_photo
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db


def test_a_signature_matches_the_standard() -> None:
    # The example from the Standard Webhooks libraries.
    assert (
        signing.signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            '{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_for_a_day_both_secrets_sign(webhook: Webhook, server: Receiver) -> None:
    old = webhook.secret
    endpoints.rotate(webhook)
    assert webhook.secret != old
    webhooks.deliver(outbox.send_test(webhook).pk)
    Webhook.objects.update(old_secret_until=timezone.now())
    webhooks.deliver(outbox.send_test(webhook).pk)

    def signed_with(asked: Any, secret: str) -> bool:
        headers = asked.headers
        made = signing.signature(
            secret, headers["webhook-id"], headers["webhook-timestamp"], asked.body.decode()
        )
        return made in headers["webhook-signature"].split(" ")

    during, after = server.asked
    assert signed_with(during, webhook.secret)
    assert signed_with(during, old)
    assert signed_with(after, webhook.secret)
    assert not signed_with(after, old)


def test_the_library_of_the_standard_accepts_unchanged_messages_only(
    webhook: Webhook, server: Receiver, convert: Any
) -> None:
    convert(make_photo(), b"not an image")
    assert len(server.asked) == 3
    verifier = Verifier(webhook.secret)
    for asked in server.asked:
        message = verifier.verify(asked.body, asked.headers)
        assert set(message) == {"type", "timestamp", "data"}
        with pytest.raises(WebhookVerificationError):
            verifier.verify(asked.body + b" ", asked.headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(signing.new_secret()).verify(asked.body, asked.headers)


def test_the_library_accepts_both_secrets_after_a_rotation(webhook: Webhook, server: Receiver) -> None:
    old = webhook.secret
    endpoints.rotate(webhook)
    webhooks.deliver(outbox.send_test(webhook).pk)
    (asked,) = server.asked
    for secret in (old, webhook.secret):
        Verifier(secret).verify(asked.body, asked.headers)
