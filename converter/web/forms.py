"""Forms. The fields of an output are built from the engine's option schemas."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from converter import configuration, engine, outbound
from converter.engine import naming
from converter.ids import uuid_of
from converter.jobs import NewFile
from converter.models import Job, Preferences, Webhook
from converter.translation import bytes_in_words, translated
from converter.web import presets, quality, words
from converter.web.fields import ColorInput, NameField, PercentField, ThousandsField, limited
from converter.web.options import (
    AUTO,
    Option,
    inputs,
    offered,
    options,
    part_title,
    recipe_mapping,
    values_of,
)

PLAIN = ("format", "aim", "quality", "target_bytes", "shrink_to_fit", "metadata")
PLAIN_SIZE = ("resize.width", "resize.height", "resize.mode", "resize.gravity")


class OutputForm(forms.Form):
    """The recipe of one output, with a field for each option."""

    watermark_file = forms.FileField(
        label=_("Logo"), required=False, widget=forms.FileInput(attrs={"accept": "image/*"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.fields.pop("watermark_file")
        self.fields["format"] = forms.ChoiceField(label=_("Format"), choices=_format_choices, initial="webp")
        for option in options():
            self.fields[option.path] = _field(option)
        self.fields["aim"] = quality.field(_attrs(_option("aim")))
        self.fields["quality"].label = _("Value (1–100)")
        self.initial = quality.shown(self.initial)
        self.fields["watermark.image"].widget = forms.HiddenInput(attrs=_attrs(_option("watermark.image")))
        self.fields["watermark_file"] = kept
        kept.widget.attrs.update(_attrs(_option("watermark.image")))

    def has_changed(self) -> bool:
        """Return True: an output with the default values counts too."""
        return True

    def mapping(self) -> dict[str, Any]:
        """Return the recipe as JSON. A logo that is not stored yet has the id `pending`."""
        values = quality.meant(self.cleaned_data)
        if not _is_placed(values):
            values["resize.gravity"] = None
        if self.watermark is not None:
            values["watermark.image"] = "pending"
        return recipe_mapping(values["format"], values)

    def clean(self) -> None:
        if "format" not in self.cleaned_data or self.errors:
            return
        try:
            engine.Recipe.parse(self.mapping())
        except engine.InvalidRecipe as exc:
            for error in exc.errors:
                self.add_error(self._field_at(error.pointer), translated(error.message))

    def recipe(self, *, watermark: str = "") -> engine.Recipe:
        """Return the recipe. `watermark` is the upload id of a newly stored logo."""
        mapping = self.mapping()
        if watermark:
            mapping["watermark"]["image"] = watermark
        return engine.Recipe.parse(mapping)

    @property
    def watermark(self) -> UploadedFile | None:
        return self.cleaned_data.get("watermark_file")

    def _field_at(self, pointer: str) -> str | None:
        path = pointer.strip("/").replace("/", ".")
        return next((name for name in self.fields if name == path or name.startswith(f"{path}.")), None)

    # Layout of the fields, for templates.

    def size_fields(self) -> list[forms.BoundField]:
        return [self[path] for path in PLAIN_SIZE if path in self.fields]

    def says(self) -> str:
        """Return a short summary of the output, which a script keeps up to date."""
        sides = [self[f"resize.{side}"].value() for side in ("width", "height")]
        size = "×".join(str(side) for side in sides if side)
        name = words.format_label(str(self["format"].value()))
        return f"{name} · {size} px" if size else name

    def presets(self) -> list[tuple[str, str]]:
        return presets.choices()

    def plain_fields(self) -> list[forms.BoundField]:
        return [self[path] for path in PLAIN if path in self.fields]

    def more(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the other fields in named groups: first those of the image, then those of each part."""
        groups: dict[str, list[forms.BoundField]] = {}
        for option in options():
            if option.path not in (*PLAIN, *PLAIN_SIZE) and option.path != "watermark.image":
                groups.setdefault(option.part, []).append(self[option.path])
        if "watermark_file" in self.fields:
            groups["watermark"].append(self["watermark_file"])
        loose = groups.pop("")
        return [(str(_("Image")), loose)] + [(part_title(part), fields) for part, fields in groups.items()]

    def logo_id(self) -> uuid.UUID | None:
        """Return the id of the recipe's logo."""
        return uuid_of(str(self["watermark.image"].value()))

    def watermark_id(self) -> forms.BoundField:
        return self["watermark.image"]

    def more_is_used(self) -> bool:
        """Return whether a field in the collapsed section has a value or an error: it must be open then."""
        if self.is_bound:
            return any(name not in (*PLAIN, *PLAIN_SIZE) for name in self.errors)
        return any(name not in (*PLAIN, *PLAIN_SIZE) for name in self.initial)


def _is_placed(values: Mapping[str, Any]) -> bool:
    """Return whether the resize mode uses the gravity: the form shows it only then."""
    modes = ("fill",) if values.get("resize.gravity") == "smart" else ("fill", "pad")
    return values.get("resize.mode") in modes


OutputFormSet = forms.formset_factory(
    OutputForm,
    extra=0,
    min_num=1,
    validate_min=True,
    max_num=settings.CONVERTER_MAX_OUTPUTS,
    absolute_max=settings.CONVERTER_MAX_OUTPUTS + 1,
    validate_max=True,
)


def initial_of(recipes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [values_of(recipe) for recipe in recipes]


class MultipleFileInput(forms.FileInput):
    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """A field that cleans to a list of files. It accepts empty files, which are checked one by one later."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        return [file for file in files if isinstance(file, UploadedFile)]


class AddressesField(forms.CharField):
    """A field of URLs, one per line, that cleans to a list of files to fetch."""

    widget = forms.Textarea

    def clean(self, value: Any) -> list[NewFile]:
        return [_fetched(line) for line in map(str.strip, super().clean(value).splitlines()) if line]


class FilesForm(forms.Form):
    images = MultipleFileField(label=_("Choose images"), required=False)
    addresses = AddressesField(
        label=_("Image URLs, one per line"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://", "spellcheck": "false"}),
    )

    join = forms.BooleanField(
        label=_("One PDF with all images"),
        help_text=_("Pages are in the order of the list."),
        required=False,
        initial=True,
    )
    name_pattern = forms.CharField(
        label=_("File names"),
        required=False,
        max_length=naming.LONGEST,
        widget=forms.TextInput(
            attrs={"placeholder": naming.AS_SOURCE, "list": "name-patterns", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, by_url: bool = True, **kwargs: Any) -> None:
        """`by_url` tells whether this user may add images by URL, on sites that allow it at all."""
        super().__init__(*args, **kwargs)
        if not (by_url and settings.CONVERTER_IMPORT_BY_URL):
            del self.fields["addresses"]
        self.fields["images"].widget.attrs["accept"] = accepted()
        parts = ", ".join(f"{{{part}}}" for part in naming.PARTS)
        self.fields["name_pattern"].help_text = _("Leave empty to keep them. Parts: %(parts)s") % {
            "parts": parts
        }

    def clean_name_pattern(self) -> str:
        pattern: str = self.cleaned_data["name_pattern"].strip()
        if pattern and (problem := naming.pattern_problem(pattern)):
            raise forms.ValidationError(translated(problem))
        return pattern


class WatermarkForm(forms.Form):
    file = forms.FileField()


class ResendForm(forms.Form):
    file = forms.FileField(label=_("Image"))


class ResendManyForm(forms.Form):
    images = MultipleFileField(label=_("Choose them again"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["images"].widget.attrs["accept"] = accepted()


class RecipeForm(forms.Form):
    name = NameField(label=_("Name"), max_length=80)


def _fetched(url: str) -> NewFile:
    try:
        return NewFile.from_url(url)
    except outbound.FetchError as exc:
        raise forms.ValidationError(f"{url[:100]}: {translated(exc.message)}") from exc


def accepted() -> str:
    """Return the `accept` attribute of file inputs: the formats that the engine reads."""
    return ",".join(["image/*", *(f".{extension}" for format in inputs() for extension in format.extensions)])


def _format_choices() -> list[Any]:
    anywhere = [(format.name, format.label) for format in offered() if format.shows_in_browser]
    others = [(format.name, format.label) for format in offered() if not format.shows_in_browser]
    return [
        *([(AUTO, words.format_label(AUTO))] if configuration.current().makes(AUTO) else []),
        (_("Web formats"), anywhere),
        (_("Other formats"), others),
    ]


def _option(path: str) -> Option:
    return next(option for option in options() if option.path == path)


def _attrs(option: Option) -> dict[str, Any]:
    attrs: dict[str, Any] = {"data-formats": " ".join(option.formats)}
    if option.default is None and any(value is not None for value in option.defaults.values()):
        attrs["data-defaults"] = json.dumps(option.defaults)
    return attrs


def _field(option: Option) -> forms.Field:
    schema = option.schema
    given: dict[str, Any] = {
        "label": option.title,
        "help_text": option.hint,
        "required": False,
        "initial": option.default,
    }
    field: forms.Field
    if "enum" in schema:
        values = {"" if value is None else str(value): value for value in schema["enum"]}
        field = forms.TypedChoiceField(
            choices=[(key, option.label(value)) for key, value in values.items()],
            coerce=lambda key: values[str(key)],
            empty_value=None,
            **given,
        )
    elif option.kind == "boolean":
        field = forms.BooleanField(**given)
    elif option.in_thousands:
        field = limited(ThousandsField, schema["minimum"], schema["maximum"], **given)
    elif option.in_percent:
        field = limited(PercentField, schema["minimum"] * 100, schema["maximum"] * 100, **given)
    elif option.kind in ("integer", "number"):
        kind = forms.IntegerField if option.kind == "integer" else forms.FloatField
        field = limited(kind, schema.get("minimum"), schema.get("maximum"), **given)
    else:
        widget = ColorInput if option.is_color else forms.TextInput
        field = forms.CharField(max_length=schema.get("maxLength"), widget=widget, **given)
    field.widget.attrs.update(_attrs(option))
    return field


class PreferencesForm(forms.Form):
    """A user's preferences."""

    RETENTIONS = tuple(timedelta(hours=hours) for hours in (1, 24, 3 * 24, 7 * 24))

    retention = forms.TypedChoiceField(
        label=_("Keep my files for"),
        help_text=_("Applies to images you upload from now on. You can delete files earlier."),
        coerce=lambda seconds: timedelta(seconds=float(seconds)),
        widget=forms.RadioSelect,
    )

    def __init__(self, preferences: Preferences, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {*self.RETENTIONS, settings.CONVERTER_RETENTION, preferences.kept_for}
        retention = self.fields["retention"]
        assert isinstance(retention, forms.TypedChoiceField)
        retention.initial = str(preferences.kept_for.total_seconds())
        retention.choices = [
            (str(time.total_seconds()), words.span(time))
            for time in sorted(offered)
            if time <= settings.CONVERTER_MAX_RETENTION
        ]


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("URL"),
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://", "spellcheck": "false"}),
        help_text=_("A public URL of your app. We send events there as POST requests."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=lambda: [(event, words.event(event)) for event in Webhook.Event.values],
        widget=forms.CheckboxSelectMultiple,
        initial=[Webhook.Event.BATCH_FINISHED],
    )


class ShareForm(forms.Form):
    """Which results to share, and for how long."""

    hours = forms.TypedChoiceField(
        label=_("Link expires"),
        choices=[("", _("when the results do")), ("1", _("after 1 hour")), ("24", _("after 1 day"))],
        coerce=int,
        empty_value=None,
        required=False,
    )

    def __init__(self, results: Sequence[Job], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["jobs"] = forms.MultipleChoiceField(
            label=_("Results"),
            choices=[
                (str(job.pk), f"{job.result_name} ({bytes_in_words(job.result_size or 0)})")
                for job in results
            ],
            initial=[str(job.pk) for job in results],
            widget=forms.CheckboxSelectMultiple,
        )
