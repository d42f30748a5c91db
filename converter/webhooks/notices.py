"""Send notices by e-mail, if the site can, in the webhook's language."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from converter.models import Webhook

logger = logging.getLogger(__name__)


def tell_of_pause(webhook: Webhook) -> None:
    """Tell the owner that their webhook was paused.

    An e-mail that cannot be sent is only logged: the Webhooks page says it too.
    """
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
        logger.exception("Could not send the mail about a paused webhook", extra={"webhook": str(webhook.pk)})
