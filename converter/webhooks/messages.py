"""Messages for errors about webhooks."""

from __future__ import annotations

from converter.engine.messages import gettext_noop as _

TEMPLATES = {
    "conflict.webhooks": _("You can have at most {most} webhooks. Delete one first."),
    "conflict.webhook_off": _("This webhook is paused, or its address is gone. Resume it first."),
    "conflict.no_webhooks": _("Webhooks are turned off on this site."),
}
