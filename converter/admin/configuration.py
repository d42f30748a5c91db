"""The page where staff set the site's configuration. Every change is logged with its author."""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from converter import configuration, engine
from converter.configuration import Configuration
from converter.configuration.values import SIGN_UP, hard_limits, pool_is_closed
from converter.methods import require_http_methods
from converter.models import SiteConfiguration
from converter.storage import StorageFault
from converter.translation import bytes_in_words

PERMISSION = "converter.change_siteconfiguration"
SHOWN = 10  # latest changes
MOST_SIZES, MOST_PIXELS = 20, 65_535
SIGN_UP_LABELS = {"open": _("open"), "invitation": _("by invitation"), "closed": _("closed")}


class ConfigurationForm(forms.Form):
    sign_up = forms.ChoiceField(label=_("Sign-up"), required=False)
    maintenance = forms.CharField(
        label=_("Notice"), required=False, max_length=300, help_text=_("Shown at the top of every page.")
    )
    max_bytes = forms.IntegerField(label=_("Maximum file size (bytes)"), required=False, min_value=1)
    max_pixels = forms.IntegerField(label=_("Maximum pixels per image"), required=False, min_value=1)
    max_files = forms.IntegerField(label=_("Maximum images per batch"), required=False, min_value=1)
    jobs_a_day = forms.IntegerField(
        label=_("Maximum conversions per user per day"),
        required=False,
        min_value=0,
        help_text=_("0 for no limit."),
    )
    formats = forms.MultipleChoiceField(
        label=_("Output formats"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "If none is checked, all are offered. “Best for each image” is offered while every format it chooses from is checked."
        ),
    )
    default_size = forms.IntegerField(
        label=_("Default size (px)"),
        required=False,
        min_value=1,
        max_value=MOST_PIXELS,
        help_text=_("Longest side, for users without a default of their own. Leave empty to keep the size."),
    )
    sizes = forms.CharField(
        label=_("Sizes to choose from"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("One per line, such as 1600×900. They are added to the built-in ones."),
    )
    labels = forms.BooleanField(label=_("Label images (Rekognition)"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = hard_limits()
        for name, limit in {
            "max_bytes": most.max_bytes,
            "max_pixels": most.max_pixels,
            "max_files": settings.CONVERTER_MAX_FILES,
        }.items():
            field = cast(forms.IntegerField, self.fields[name])
            field.validators.append(MaxValueValidator(limit))
            field.widget.attrs.update(max=limit, placeholder=limit)
        self.fields["jobs_a_day"].widget.attrs["placeholder"] = settings.CONVERTER_JOBS_A_DAY
        ways = [way for way in SIGN_UP if way != "invitation" or not settings.COGNITO_USER_POOL_ID]
        ways = [] if pool_is_closed() else ways
        usual = _("as configured (%(way)s)") % {"way": SIGN_UP_LABELS.get(settings.SIGN_UP, settings.SIGN_UP)}
        cast(forms.ChoiceField, self.fields["sign_up"]).choices = [
            ("", usual),
            *((way, SIGN_UP_LABELS[way]) for way in ways),
        ]
        cast(forms.MultipleChoiceField, self.fields["formats"]).choices = [
            (format.name, format.label) for format in engine.FORMATS.values() if format.encodes
        ]
        if not settings.CONVERTER_LABELS:
            del self.fields["labels"]

    def clean_sizes(self) -> tuple[tuple[int, int], ...]:
        lines = [line.strip() for line in self.cleaned_data["sizes"].splitlines() if line.strip()]
        found = [re.fullmatch(r"(\d{1,5})\s*[×x]\s*(\d{1,5})", line) for line in lines]
        sizes = [(int(match[1]), int(match[2])) for match in found if match]
        if len(sizes) < len(lines) or not all(0 < side <= MOST_PIXELS for size in sizes for side in size):
            raise forms.ValidationError(_("Enter sizes such as 1600×900, one per line."))
        if len(sizes) > MOST_SIZES:
            raise forms.ValidationError(_("Enter at most %(most)s sizes.") % {"most": MOST_SIZES})
        return tuple(dict.fromkeys(sizes))

    def configuration(self, before: Configuration) -> Configuration:
        """Return the submitted values; values that the form does not show stay unchanged."""
        return Configuration.of({**before.values(), **self.cleaned_data})

    @classmethod
    def initial_of(cls, now: Configuration) -> dict[str, Any]:
        lines = "\n".join(f"{width}×{height}" for width, height in now.sizes)
        return {**{name: getattr(now, name) for name in cls.base_fields}, "sizes": lines}


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """Show the form or save it."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    try:
        before = Configuration.of(configuration.store().read())
    except (StorageFault, DatabaseError):
        messages.error(request, _("The configuration could not be read. Try again."))
        return redirect("admin:index")
    form = ConfigurationForm(request.POST or None, initial=ConfigurationForm.initial_of(before))
    if request.method == "POST" and form.is_valid() and _keep(request, before, form.configuration(before)):
        messages.success(request, _("Saved. Changes take effect everywhere within a minute."))
        return redirect("admin:configuration")
    context = {
        **admin.site.each_context(request),
        "title": _("Site configuration"),
        "form": form,
        "changes": _log()[:SHOWN],
    }
    return render(request, "admin/configuration.html", context, status=422 if form.errors else 200)


def _keep(request: HttpRequest, before: Configuration, after: Configuration) -> bool:
    try:
        configuration.save(after)
    except StorageFault:
        messages.error(request, _("The configuration could not be saved. Try again."))
        return False
    old, new = before.values(), after.values()
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if changed:
        with override("en"):  # all staff read the same log
            said = "; ".join(
                f"{_label(name)}: {_said(name, old.get(name))} → {_said(name, new.get(name))}"
                for name in sorted(changed)
            )
        row = SiteConfiguration(name=SiteConfiguration.NAME)
        LogEntry.objects.log_actions(
            cast(UUID, request.user.pk), [row], CHANGE, change_message=said, single_object=True
        )
    return True


def _label(name: str) -> str:
    return str(ConfigurationForm.base_fields[name].label)


def _said(name: str, value: Any) -> str:
    """Return a value formatted for the log."""
    if value is None or value in ("", ()):
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if name == "max_bytes":
        return bytes_in_words(value)
    if name == "sizes":
        return ", ".join(f"{width}×{height}" for width, height in value)
    if name == "formats":
        return ", ".join(engine.FORMATS[format].label for format in value)
    if name == "sign_up":
        return str(SIGN_UP_LABELS[value])
    return number_format(value, use_l10n=True, force_grouping=True) if isinstance(value, int) else str(value)


def _log() -> Any:
    kind = ContentType.objects.get_for_model(SiteConfiguration)
    return LogEntry.objects.filter(content_type=kind).select_related("user")
