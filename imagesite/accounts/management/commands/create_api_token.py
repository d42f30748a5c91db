from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imagesite.accounts.models import ApiToken, User

MOST_DAYS = 3650
LONGEST_NAME = ApiToken._meta.get_field("name").max_length or 0


class Command(BaseCommand):
    help = "Make an API token for a user and print it; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what to know it by")
        parser.add_argument("--read-only", action="store_true")
        parser.add_argument("--days", type=int, help="how long it is good for; for ever when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS}.")
        if not 1 <= len(options["name"]) <= LONGEST_NAME:
            raise CommandError(f"--name must have from 1 to {LONGEST_NAME} characters.")
        owner = User.objects.filter(email__iexact=options["email"]).first()
        if owner is None:
            raise CommandError(f"There is no user {options['email']}.")
        _, secret = ApiToken.issue(
            owner,
            options["name"],
            scope=ApiToken.Scope.READ if options["read_only"] else ApiToken.Scope.WRITE,
            lifetime=timedelta(days=options["days"]) if options["days"] else None,
        )
        self.stdout.write(secret)
