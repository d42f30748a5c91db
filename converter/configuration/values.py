"""The values that staff can set, all of them optional."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from django.conf import settings

from converter import engine
from converter.engine.formats import AUTO, CANDIDATES

SIGN_UP = ("open", "invitation", "closed")


@dataclass(frozen=True)
class Configuration:
    """The configuration of the site. `None` and empty values mean those of the environment.

    `max_bytes` and `max_pixels` are per image, `max_files` per batch, `jobs_a_day` per user. `formats` are
    the names of the enabled output formats. `default_size` is the longest side in pixels if the user chooses
    none; `sizes` are presets as (width, height). `labels` can only turn labels off: the environment must
    enable them.
    """

    max_bytes: int | None = None
    max_pixels: int | None = None
    max_files: int | None = None
    jobs_a_day: int | None = None
    formats: tuple[str, ...] = ()
    default_size: int | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    sign_up: str = ""
    maintenance: str = ""
    labels: bool = True

    @classmethod
    def of(cls, values: dict[str, Any]) -> Configuration:
        """Return the stored values, ignoring names unknown to this version."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        if "formats" in known:
            known["formats"] = tuple(known["formats"])
        if "sizes" in known:
            known["sizes"] = tuple((width, height) for width, height in known["sizes"])
        return cls(**known)

    def values(self) -> dict[str, Any]:
        """Return the values that are set, for JSON."""
        plain = asdict(Configuration())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    def limits(self) -> engine.Limits:
        most = hard_limits()
        return engine.Limits(
            **{
                **settings.CONVERTER_LIMITS,
                "max_bytes": _lower(self.max_bytes, most.max_bytes),
                "max_pixels": _lower(self.max_pixels, most.max_pixels),
            }
        )

    @property
    def most_files(self) -> int:
        return _lower(self.max_files, settings.CONVERTER_MAX_FILES)

    @property
    def most_jobs_a_day(self) -> int:
        """The conversions per user and day; 0 means no limit."""
        most: int = settings.CONVERTER_JOBS_A_DAY
        return most if self.jobs_a_day is None else self.jobs_a_day

    @property
    def signing_up(self) -> str:
        """Who may sign up. Staff cannot open a closed user pool."""
        return settings.SIGN_UP if pool_is_closed() else self.sign_up or settings.SIGN_UP

    @property
    def labels_are_on(self) -> bool:
        return bool(settings.CONVERTER_LABELS) and self.labels

    def makes(self, format: str) -> bool:
        """Return whether this output format is enabled; `auto` needs all formats that it may choose."""
        wanted = {each.name for each in CANDIDATES} if format == AUTO else {format}
        return not self.formats or wanted <= set(self.formats)


def pool_is_closed() -> bool:
    """Return whether the user pool itself refuses sign-ups."""
    return bool(settings.COGNITO_USER_POOL_ID) and settings.SIGN_UP == "closed"


def hard_limits() -> engine.Limits:
    """Return the limits of the settings. Raises TypeError for a limit that the engine does not know."""
    return engine.Limits(**settings.CONVERTER_LIMITS)


def _lower(chosen: int | None, most: int) -> int:
    return most if chosen is None else min(chosen, most)
