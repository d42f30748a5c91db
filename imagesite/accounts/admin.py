"""Users and API tokens, for staff."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter import configuration, jobs
from converter.admin.base import ReadOnlyAdmin, ViewerAdmin, log_changes, may_see_people, person_link
from imagesite.accounts.local.invitations import invite
from imagesite.accounts.models import ApiToken, Invitation, User


@admin.register(User)
class UserAdmin(ViewerAdmin, DjangoUserAdmin):
    list_display = ("person", "is_guest", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_guest", "is_active", "is_staff", "is_superuser", "groups", "date_joined")
    search_fields = ("=id", "email", "first_name", "last_name", "=sub")
    ordering = ("email",)
    readonly_fields = ("id", "is_guest", "sub", "oidc_sub", "date_joined", "last_login")
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("id", "email", "is_guest", "password", "sub", "oidc_sub")}),
        (_("Name"), {"fields": ("first_name", "last_name")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),
    )
    actions = ("remove_second_factor",)

    @admin.display(description=_("e-mail address"), ordering="email")
    def person(self, user: Any) -> str:
        return person_link(user.viewer, user)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Return no columns, since `person` is a link itself, except for staff who may not see people."""
        return None if may_see_people(request.user) else ["person"]

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        # The user's rows are deleted too, although the admin does not allow deleting them one by one.
        batches = {user: user.batches.count() for user in objs}
        lines = [f"{user} (batches: {count}), with images and settings" for user, count in batches.items()]
        return lines, {"users": len(batches), "batches": sum(batches.values())}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Delete the user from the user pool, then their images and rows.

        Raises CognitoUnavailable, with nothing deleted, if Cognito does not respond.
        """
        if obj.sub:
            from imagesite.accounts.cognito import client  # slow to import, and not needed at home

            client.delete_user(obj.sub)
        jobs.remove_all(obj)
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not settings.COGNITO_USER_POOL_ID:
            actions.pop("remove_second_factor", None)
        return actions

    def has_remove_factor_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    @admin.action(
        description=_("Remove the second factor (authenticator lost)"), permissions=["remove_factor"]
    )
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        from imagesite.accounts.cognito import client  # slow to import, and not needed at home

        people = [user for user in queryset if user.sub]
        for user in people:
            client.remove_totp(str(user.sub))
        log_changes(request, people, "Removed the second factor.")
        self.message_user(
            request,
            _("Removed: %(n)s.") % {"n": len(people)},
            messages.SUCCESS if people else messages.WARNING,
        )


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """List and revoke tokens. Their secrets cannot be shown, since only digests are stored."""

    list_display = (
        "name",
        "start",
        "person",
        "scope",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "name", "start")
    fields = ("id", *list_display)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apitoken")

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        tokens = list(queryset.filter(revoked_at=None))
        ApiToken.objects.filter(pk__in=[token.pk for token in tokens], revoked_at=None).update(
            revoked_at=timezone.now()
        )
        log_changes(request, tokens, "Revoked.")
        self.message_user(
            request,
            _("Revoked: %(n)s.") % {"n": len(tokens)},
            messages.SUCCESS if tokens else messages.WARNING,
        )


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Create invitations, showing each link once. Deleting an unused one revokes it."""

    list_display = ("__str__", "invited_by", "created_at", "expires_at", "used_at", "used_by")
    list_filter = (("used_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("invited_by", "used_by")
    search_fields = ("email", "used_by__email")
    show_full_result_count = False
    fields = ("email",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return configuration.current().signing_up == "invitation" and super().has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        made, link = invite(obj.email, by=cast(User, request.user))
        obj.pk = made.pk
        obj.refresh_from_db()
        path = urlsplit(link).path  # the host is taken from the request
        messages.info(request, f"Send this link, which is shown only now: {request.build_absolute_uri(path)}")
