"""Notices by e-mail, where the site can send any."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail

from converter.models import Webhook

logger = logging.getLogger(__name__)

SUBJECT = "Your webhook has been paused"
BODY = """\
Your webhook {url} has failed for several days, so it has been paused.
Nothing is sent to it until you resume it on the Webhooks page.
"""


def tell_of_pause(webhook: Webhook) -> None:
    """Tell the owner that their webhook was paused. A mail that cannot be sent raises nothing: the page says it too."""
    if not settings.CONVERTER_MAIL:
        return
    try:
        send_mail(SUBJECT, BODY.format(url=webhook.url), None, [webhook.owner.email])
    except OSError:
        logger.exception("No mail about a paused webhook", extra={"webhook": str(webhook.pk)})
