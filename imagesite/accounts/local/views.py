"""Login, sign-up and passwords with local accounts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from converter import configuration
from converter.methods import require_http_methods
from imagesite.accounts.attempts import count_miss, count_request, remember_device
from imagesite.accounts.http import clear_site_data
from imagesite.accounts.local.forms import (
    LoginForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
    SignupForm,
)
from imagesite.accounts.models import Invitation

BACKEND = "django.contrib.auth.backends.ModelBackend"


class LoginView(auth_views.LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        remember_device(response, form.get_user().email)
        return response


class LogoutView(auth_views.LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        clear_site_data(response)
        return response


class PasswordChangeView(auth_views.PasswordChangeView):
    form_class = PasswordChangeForm
    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:account")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: object) -> HttpResponse:
        messages.success(self.request, _("Your password has been changed."))
        return super().form_valid(form)


class PasswordResetView(auth_views.PasswordResetView):
    form_class = PasswordResetForm
    template_name = "accounts/password_reset.html"
    email_template_name = "accounts/password_reset_email.txt"
    html_email_template_name = "accounts/password_reset_email.html"
    subject_template_name = "accounts/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password_reset_done")

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        count_request(self.request, "mail", form.cleaned_data["email"])
        return super().form_valid(form)


class PasswordResetDoneView(auth_views.PasswordResetDoneView):
    template_name = "accounts/password_reset_done.html"


@method_decorator(login_not_required, name="dispatch")
class PasswordResetConfirmView(auth_views.PasswordResetConfirmView):
    form_class = SetPasswordForm
    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if not self.validlink and response.status_code != HTTPStatus.FOUND:
            count_miss(request, "reset")
        return response

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:
        response = super().form_valid(form)
        remember_device(response, form.user.email)
        return response


class PasswordResetCompleteView(auth_views.PasswordResetCompleteView):
    template_name = "accounts/password_reset_complete.html"


@login_not_required
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def signup(request: HttpRequest, token: str = "") -> HttpResponse:
    """Create an account and log in. The address does not have to be confirmed.

    If sign-up is by invitation, `token` is the invitation's secret.
    """
    if request.user.is_authenticated:
        return redirect("web:convert")
    way = configuration.current().signing_up
    invitation = Invitation.find(token) if token and way != "closed" else None
    if token and invitation is None:
        count_miss(request, "invitation")
    if way != "open" and invitation is None:
        return render(request, "accounts/signup_closed.html", {"is_invited": bool(token)}, status=403)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if request.method == "POST":
        count_request(request, "sign-up")  # the response reveals who has an account
    form = SignupForm(request.POST or None, invitation=invitation)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "accounts/signup.html", {"form": form, "next": wanted}, status=status)
    with transaction.atomic():
        user = form.save()
        if invitation and not invitation.use(user):
            transaction.set_rollback(True)
            return render(request, "accounts/signup_closed.html", {"is_invited": True}, status=403)
    login(request, user, backend=BACKEND)
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return redirect(wanted)
    return redirect(resolve_url("web:convert"))
