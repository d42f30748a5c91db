from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from converter.management.safety import check_database
from imagesite.accounts.local.invitations import LIFETIME, invite

MAX_DAYS = 365


class Command(BaseCommand):
    help = (
        "Create an invitation and print its link, which can be used once to sign up. It is only shown once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", default="", help="only for this address (default: for anybody)"
        )
        parser.add_argument(
            "--days", type=int, default=LIFETIME.days, help="days until it expires (default: 7)"
        )

    def handle(self, *args: Any, email: str, days: int, **options: Any) -> None:
        if not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days must be 1 to {MAX_DAYS}.")
        if email:
            try:
                validate_email(email)
            except ValidationError as exc:
                raise CommandError(f"{email} is not an e-mail address.") from exc
        check_database()
        self.stdout.write(invite(email, lifetime=timedelta(days=days))[1])
