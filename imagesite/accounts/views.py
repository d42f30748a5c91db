"""Pages shared by both twins: the account, its data and deletion, API tokens, the admin's login."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from converter import jobs
from converter.methods import require_http_methods, require_POST, require_safe
from converter.models import Preferences
from converter.web.forms import PreferencesForm
from imagesite.accounts.forms import DeleteAccountForm, TokenForm
from imagesite.accounts.http import LoggedInRequest, clear_site_data
from imagesite.accounts.models import ApiToken, User


@login_not_required
@require_safe
def admin_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the site's login: the admin's own supports neither Cognito nor a second factor.

    Raises PermissionDenied for users who are logged in but not staff.
    """
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@require_http_methods(["GET", "POST"])
def account(request: LoggedInRequest) -> HttpResponse:
    """Show the account and save how long files are kept."""
    form = PreferencesForm(Preferences.of(request.user), request.POST or None)
    if form.is_valid():
        Preferences.choose(request.user, retention=form.cleaned_data["retention"])
        messages.success(request, _("Saved."))
        return redirect("accounts:account")
    return render(request, "accounts/account.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
def data(request: LoggedInRequest) -> JsonResponse:
    """Return everything stored about the user as a JSON file."""
    user = request.user
    whole = {
        "account": {"email": user.email, "since": user.date_joined, "last_login": user.last_login},
        "batches": list(user.batches.values("id", "created_at", "expires_at", "outputs")),
        "images": list(user.uploads.values("id", "name", "size", "format", "width", "height", "created_at")),
        "jobs": list(
            user.jobs.values(
                "id",
                "batch",
                "upload",
                "recipe",
                "status",
                "error_code",
                "error_params",
                "result_size",
                "report",
                "created_at",
            )
        ),
        "recipes": list(user.recipes.values("id", "name", "recipe", "more", "created_at")),
        "preferences": list(Preferences.objects.filter(owner=user).values("retention", "recipe")),
        "recipe_links": list(user.recipe_links.values("hash", "recipe", "more", "created_at")),
        "shares": list(user.shares.values("id", "batch", "created_at", "expires_at", "revoked_at", "opened")),
        "webhooks": list(user.webhooks.values("id", "url", "events", "created_at", "disabled_at")),
        "tokens": list(user.api_tokens.values("name", "start", "scope", "created_at", "last_used_at")),
    }
    response = JsonResponse(whole, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@require_http_methods(["GET", "POST"])
def delete(request: LoggedInRequest) -> HttpResponse:
    """Delete the account and everything in it, confirmed by typing its e-mail address."""
    form = DeleteAccountForm(request.user, request.POST or None)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "accounts/delete.html", {"form": form}, status=status)
    user = User.objects.get(pk=request.user.pk)
    jobs.remove_all(user)
    logout(request)
    user.delete()
    messages.success(request, _("Your account has been deleted, with all images, results and settings."))
    response = redirect("web:landing")
    clear_site_data(response)
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: LoggedInRequest) -> HttpResponse:
    """List the tokens or create one, whose secret is shown only in this response."""
    form, secret, may_write = TokenForm(request.POST or None), "", False
    status = 422 if form.is_bound else 200
    if form.is_valid():
        token, secret = ApiToken.issue(
            request.user, form.cleaned_data["name"], scope=form.cleaned_data["scope"], lifetime=form.lifetime
        )
        form, status, may_write = TokenForm(), 201, token.may_write
    mine = ApiToken.objects.filter(owner=request.user)
    context = {
        "form": form,
        "secret": secret,
        "may_write": may_write,
        "usable": mine.usable(),
        "ended": mine.exclude(pk__in=mine.usable())[:20],
        "site": request.build_absolute_uri(reverse("web:landing")),
    }
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
def revoke_all(request: LoggedInRequest) -> HttpResponse:
    count = ApiToken.objects.filter(owner=request.user).usable().update(revoked_at=timezone.now())
    messages.success(
        request,
        ngettext("%(count)s token has been revoked.", "%(count)s tokens have been revoked.", count)
        % {"count": count},
    )
    return redirect("accounts:tokens")


@require_POST
def revoke(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, owner=request.user)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
    messages.success(request, _("“%(name)s” has been revoked.") % {"name": token.name})
    return redirect("accounts:tokens")
