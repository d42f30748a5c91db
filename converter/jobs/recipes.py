"""Save recipes with their outputs and logos."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from converter import engine
from converter.jobs.logos import forget_logos, keep_logos
from converter.jobs.submit import check_distinct
from converter.models import Recipe


def save_recipe(owner: AbstractBaseUser, saved: Recipe, outputs: Sequence[engine.Recipe]) -> None:
    """Save a recipe of this owner with these outputs (at least one) and copies of their logos.

    Raises IntegrityError if its name is taken, InvalidSubmission if there are too many outputs, two are the
    same or a logo is missing or too large, OverQuota, StorageFault, FileNotFoundError.
    """
    check_distinct(outputs, "/outputs")
    with transaction.atomic():
        kept = keep_logos(owner, outputs)
        logos = [logo for _, logo in kept]
        saved.outputs = [recipe.canonical() for recipe, _ in kept]
        saved.logo = logos[0]
        saved.save()
        saved.more_logos.set([logo for logo in logos[1:] if logo])
        forget_logos(owner)
