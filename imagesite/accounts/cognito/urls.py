"""URLs of the account pages with a Cognito user pool."""

from __future__ import annotations

from django.urls import path

from imagesite.accounts.cognito import second_factor, views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("login/challenge/", views.challenge, name="challenge"),
    path("logout/", views.logout, name="logout"),
    path("logout/everywhere/", views.logout_everywhere, name="logout_everywhere"),
    path("signup/", views.signup, name="signup"),
    path("signup/confirm/", views.confirm, name="confirm"),
    path("signup/resend/", views.resend, name="resend"),
    path("password/", views.password_change, name="password_change"),
    path("password/reset/", views.password_reset, name="password_reset"),
    path("password/reset/code/", views.password_reset_confirm, name="password_reset_confirm"),
    path("second-factor/", second_factor.manage, name="second_factor"),
    path("delete/", views.delete, name="delete"),
]
