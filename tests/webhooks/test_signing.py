from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from converter import webhooks
from converter.models import Webhook
from converter.webhooks import endpoints, outbox, signing
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks libraries.
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
