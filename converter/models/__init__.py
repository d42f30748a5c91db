"""The database models.

Facts about one row are model methods, facts about many rows QuerySet methods. Nothing here writes a job's
status: only `converter.jobs` does.
"""

from __future__ import annotations

from converter.models.batches import Batch, BatchQuerySet, Tally
from converter.models.configuration import SiteConfiguration
from converter.models.image_metadata import ImageMetadata
from converter.models.jobs import Job, JobQuerySet, Source, lost, of_another_time
from converter.models.limits import IdempotencyKey, Quota, RateLimit, Usage, UsageQuerySet
from converter.models.preferences import Preferences
from converter.models.recipes import Logo, Recipe, RecipeLink
from converter.models.renditions import Rendition
from converter.models.shares import Share, ShareQuerySet, share_token
from converter.models.uploads import Upload
from converter.models.webhooks import Delivery, Webhook

__all__ = [
    "Batch",
    "BatchQuerySet",
    "Delivery",
    "IdempotencyKey",
    "ImageMetadata",
    "Job",
    "JobQuerySet",
    "Logo",
    "Preferences",
    "Quota",
    "RateLimit",
    "Recipe",
    "RecipeLink",
    "Rendition",
    "Share",
    "ShareQuerySet",
    "SiteConfiguration",
    "Source",
    "Tally",
    "Upload",
    "Usage",
    "UsageQuerySet",
    "Webhook",
    "lost",
    "of_another_time",
    "share_token",
]
