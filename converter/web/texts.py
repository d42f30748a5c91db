"""What the scripts say, translated."""

from __future__ import annotations

from django.utils.translation import gettext as _


def for_convert() -> dict[str, str]:
    return {
        "empty": _("This file is empty."),
        "tooLarge": _("Larger than the {size} that one file may have."),
        "tooMany": _("A batch takes at most {count} images. Send the rest afterwards."),
        "notAnImage": _("This does not look like an image we can read."),
        "twice": _("This file is already in the list."),
        "ready": _("Ready"),
        "waiting": _("Waiting"),
        "sending": _("Sending, {percent} %"),
        "sent": _("Sent"),
        "failed": _("Not sent: the connection broke."),
        "expired": _("Not sent: the form for it had expired when sending began."),
        "loggedOutSending": _(
            "Not sent: you are logged out. Log in again in another tab, then send it again."
        ),
        "cancelled": _("Left out"),
        "remove": _("Remove {name}"),
        "cancel": _("Cancel {name}"),
        "resume": _("Send {name} again"),
        "noFiles": _("Choose at least one image first."),
        "summary": _("{count} images, {size}"),
        "summaryOne": _("1 image, {size}"),
        "progress": _("{done} of {count} sent"),
        "someFailed": _("Some files were not sent. Send them again, or go on without them."),
        "sendAgain": _("Send them again"),
        "refused": _("The site did not take this. Check the marked places."),
        "loggedOut": _("You are logged out. Log in again in another tab, then come back and press Convert."),
        "offline": _("The site cannot be reached. Check your connection and try again."),
        "show": _("Show {name}"),
        "trying": _("Trying it out…"),
        "tried": _("{before} → {after}, {change}"),
        "triedAbout": _("{before} → about {after}, {change} (tried on a smaller copy)"),
        # xgettext:no-python-format
        "smaller": _("{percent} % smaller"),
        "larger": _("{percent} % larger"),
        "tryTooLarge": _("Only images up to {size} can be tried before sending."),
        "tryFailed": _("It takes longer than a trial may. Convert it to see the result."),
        "tryAway": _("It cannot be tried just now. Convert it to see the result."),
        "output": _("Output {number}"),
        "convert": _("Convert"),
        "convertOne": _("Convert to {formats}"),
        "convertMany": _("Convert {count} to {formats}"),
        "formats": _("{count} formats"),
        "bestFormat": _("the best format"),
    }
