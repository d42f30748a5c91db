"""Notices by e-mail, where the site can send any, in the language in which the webhook was made."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from converter.models import Webhook

logger = logging.getLogger(__name__)


def tell_of_pause(webhook: Webhook) -> None:
    """Tell the owner that their webhook was paused. A mail that cannot be sent raises nothing: the page says it too."""
    if not settings.CONVERTER_MAIL:
        return
    with translation.override(webhook.language or settings.LANGUAGE_CODE):
        subject = _("Your webhook has been paused")
        body = _(
            "Your webhook {url} has failed for several days, so it has been paused.\n"
            "Nothing is sent to it until you resume it on the Webhooks page.\n"
        ).format(url=webhook.url)
    try:
        send_mail(subject, body, None, [webhook.owner.email])
    except OSError:
        logger.exception("No mail about a paused webhook", extra={"webhook": str(webhook.pk)})
