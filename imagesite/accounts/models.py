"""Users and their API tokens."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(DjangoUserManager["User"]):
    """A manager for users who log in by e-mail address and have no user name."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(  # type: ignore[override]
        self, email: str, password: str | None = None, **extra: Any
    ) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(  # type: ignore[override]
        self, email: str, password: str | None = None, **extra: Any
    ) -> User:
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **extra})


class User(AbstractUser):
    """A user. `sub` is the id in the Cognito user pool, `oidc_sub` that at the OpenID provider, if any."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    sub = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    oidc_sub = models.CharField(max_length=255, unique=True, null=True, blank=True, editable=False)
    is_guest = models.BooleanField(
        _("guest"),
        default=False,
        editable=False,
        help_text=_("Has no account and cannot log in."),
    )
    address_key = models.CharField(
        max_length=32, blank=True, editable=False, help_text=_("For guests: a keyed hash of the IP address.")
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined, misc]  # not among the stubs
        indexes = [
            models.Index(fields=["is_guest", "date_joined"], name="user_guests"),
            models.Index(fields=["address_key"], name="user_of_address"),
        ]

    def __str__(self) -> str:
        return self.email


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: datetime | None = None) -> ApiTokenQuerySet:
        now = now or timezone.now()
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=now), revoked_at=None, owner__is_active=True
        )


class ApiToken(models.Model):
    """A token for the API. Only its SHA-256 digest is stored; the secret is shown once, when it is created."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        WRITE = "write", _("Read and write")

    PREFIX = "img_"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    start = models.CharField(
        max_length=12, editable=False, help_text=_("The first characters, to recognise the token by.")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.WRITE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @classmethod
    def issue(
        cls,
        owner: User,
        name: str,
        *,
        scope: str = Scope.WRITE,
        lifetime: timedelta | None = None,
    ) -> tuple[ApiToken, str]:
        """Create a token; return it with its secret, which is not stored. By default it never expires."""
        secret = cls.PREFIX + secrets.token_urlsafe(32)
        token = cls.objects.create(
            owner=owner,
            name=name,
            start=secret[:8],
            digest=cls.digest_of(secret),
            scope=scope,
            expires_at=timezone.now() + lifetime if lifetime else None,
        )
        return token, secret

    @staticmethod
    def digest_of(secret: str) -> str:
        # A random 256-bit secret needs no slow hash.
        return hashlib.sha256(secret.encode()).hexdigest()

    @property
    def may_write(self) -> bool:
        return self.scope == self.Scope.WRITE


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self) -> InvitationQuerySet:
        return self.filter(used_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """Allows one sign-up. Only the digest of its secret is stored; the link is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        _("e-mail address"), blank=True, help_text=_("Leave empty to let anyone with the link sign up.")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.email or f"{self.created_at:%Y-%m-%d %H:%M}"

    @classmethod
    def issue(cls, email: str, *, by: User | None, lifetime: timedelta) -> tuple[Invitation, str]:
        """Create an invitation; return it with its secret, which is not stored."""
        secret = secrets.token_urlsafe(24)
        invitation = cls.objects.create(
            email=email.lower(),
            digest=ApiToken.digest_of(secret),
            invited_by=by,
            expires_at=timezone.now() + lifetime,
        )
        return invitation, secret

    @classmethod
    def find(cls, secret: str) -> Invitation | None:
        """Return the usable invitation with this secret, or None."""
        return cls.objects.usable().filter(digest=ApiToken.digest_of(secret)).first()

    def use(self, user: User) -> bool:
        """Mark it as used by this user; return False if it has been used or has expired meanwhile."""
        left = Invitation.objects.usable().filter(pk=self.pk)
        return left.update(used_at=timezone.now(), used_by=user) == 1
