"""The admin: staff can see everything and change little. Actions use `converter.jobs` and are logged."""

from __future__ import annotations

from converter.admin import batches, jobs, people, recipes, shares, uploads, webhooks

__all__ = ["batches", "jobs", "people", "recipes", "shares", "uploads", "webhooks"]
