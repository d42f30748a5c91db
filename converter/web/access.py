"""Look up a row for a page, always by its owner: another user's row gives 404."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django.shortcuts import get_object_or_404

from converter.models import Batch, Delivery, Job, Recipe, Share, Webhook
from converter.web.http import LoggedInRequest

V = TypeVar("V", bound=Callable[..., Any])


def open_to_guests(view: V) -> V:
    """Mark a view that guests may use. See `imagesite.accounts.guests`."""
    view.open_to_guests = "known"  # type: ignore[attr-defined]
    return view


def open_to_new_guests(view: V) -> V:
    """Mark a view that anybody may use: a visitor who uploads an image there becomes a guest."""
    view.open_to_guests = "new"  # type: ignore[attr-defined]
    return view


def batch_of(request: LoggedInRequest, pk: uuid.UUID) -> Batch:
    return get_object_or_404(Batch, pk=pk, owner_id=request.user.pk)


def job_of(request: LoggedInRequest, pk: uuid.UUID) -> Job:
    return get_object_or_404(Job.objects.select_related("upload", "batch"), pk=pk, owner_id=request.user.pk)


def recipe_of(request: LoggedInRequest, pk: uuid.UUID) -> Recipe:
    return get_object_or_404(Recipe, pk=pk, owner_id=request.user.pk)


def webhook_of(request: LoggedInRequest, pk: uuid.UUID) -> Webhook:
    return get_object_or_404(Webhook, pk=pk, owner_id=request.user.pk)


def delivery_of(request: LoggedInRequest, pk: uuid.UUID) -> Delivery:
    sent = Delivery.objects.select_related("webhook")
    return get_object_or_404(sent, pk=pk, webhook__owner_id=request.user.pk)


def share_of(request: LoggedInRequest, pk: uuid.UUID) -> Share:
    return get_object_or_404(Share, pk=pk, owner_id=request.user.pk)
