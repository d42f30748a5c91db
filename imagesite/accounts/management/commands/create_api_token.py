from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from converter.engine.filenames import clean_text
from converter.management.safety import check_database
from imagesite.accounts.models import ApiToken, User

MAX_DAYS = 3650
MAX_NAME_LENGTH = ApiToken._meta.get_field("name").max_length or 0


class Command(BaseCommand):
    help = "Create an API token for a user and print it. It is only shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--read-only", action="store_true")
        parser.add_argument("--days", type=int, help="days until it expires (default: never)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days must be 1 to {MAX_DAYS}.")
        name = clean_text(options["name"])
        if not 1 <= len(name) <= MAX_NAME_LENGTH:
            raise CommandError(f"--name must have 1 to {MAX_NAME_LENGTH} characters.")
        check_database()
        owner = User.objects.filter(email__iexact=options["email"]).first()
        if owner is None:
            raise CommandError(
                f"No user with the e-mail address {options['email']}. "
                "Sign up on the site first, or create one with `manage.py createsuperuser`."
            )
        _, secret = ApiToken.issue(
            owner,
            name,
            scope=ApiToken.Scope.READ if options["read_only"] else ApiToken.Scope.WRITE,
            lifetime=timedelta(days=options["days"]) if options["days"] else None,
        )
        self.stdout.write(secret)
