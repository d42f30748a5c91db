"""The URLs of the admin, with the site's login, the overview, the page about a user and the configuration."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from converter.admin.configuration import edit
from converter.admin.person import person
from converter.overview import overview
from imagesite.accounts.views import admin_login

urlpatterns = [
    path("login/", admin_login),
    path("overview/", admin.site.admin_view(overview), name="overview"),
    path("people/<id:pk>/", admin.site.admin_view(person), name="person"),
    path("configuration/", admin.site.admin_view(edit), name="configuration"),
    *admin.site.get_urls(),
]
