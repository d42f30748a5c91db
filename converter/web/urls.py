from __future__ import annotations

from django.urls import path

from converter.web.views import batches, convert, jobs, recipes, shares, site, webhooks

app_name = "web"

urlpatterns = [
    path("", site.landing, name="landing"),
    path("formats/", site.formats, name="formats"),
    path("problems/<slug:code>/", site.problem, name="problem"),
    path("healthz", site.healthz, name="healthz"),
    path("favicon.ico", site.favicon, name="favicon"),
    path("convert/", convert.convert, name="convert"),
    path("convert/outputs/", convert.read_outputs, name="convert_outputs"),
    path("convert/watermark/", convert.watermark, name="watermark"),
    path("batches/", batches.history, name="batches"),
    path("batches/delete/", batches.delete_many, name="batches_delete"),
    path("batches/<uuid:pk>/", batches.batch, name="batch"),
    path("batches/<uuid:pk>/cancel/", batches.cancel, name="batch_cancel"),
    path("batches/<uuid:pk>/retry/", batches.retry, name="batch_retry"),
    path("batches/<uuid:pk>/delete/", batches.delete, name="batch_delete"),
    path("batches/<uuid:pk>/zip/", batches.zip_file, name="batch_zip"),
    path("batches/<uuid:pk>/share/", shares.share, name="batch_share"),
    path("shares/<uuid:pk>/revoke/", shares.revoke, name="share_revoke"),
    path("s/<slug:token>/", shares.shared, name="share"),
    path("s/<slug:token>/<uuid:pk>/", shares.download, name="share_download"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/compare/", jobs.compare, name="job_compare"),
    path("jobs/<uuid:pk>/download/", jobs.download, name="job_download"),
    path("jobs/<uuid:pk>/retry/", jobs.retry, name="job_retry"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="job_cancel"),
    path("jobs/<uuid:pk>/reuse/", jobs.reuse, name="job_reuse"),
    path("jobs/<uuid:pk>/file/", jobs.resend, name="job_resend"),
    path("accounts/webhooks/", webhooks.webhooks, name="webhooks"),
    path("accounts/webhooks/<uuid:pk>/", webhooks.webhook, name="webhook"),
    path("accounts/webhooks/<uuid:pk>/secret/", webhooks.new_secret, name="webhook_secret"),
    path("accounts/webhooks/<uuid:pk>/pause/", webhooks.pause, name="webhook_pause"),
    path("accounts/webhooks/<uuid:pk>/resume/", webhooks.resume, name="webhook_resume"),
    path("accounts/webhooks/<uuid:pk>/test/", webhooks.send_test, name="webhook_test"),
    path("accounts/webhooks/<uuid:pk>/delete/", webhooks.delete, name="webhook_delete"),
    path("accounts/webhooks/deliveries/<uuid:pk>/", webhooks.redeliver, name="redeliver"),
    path("r/<str:token>/", recipes.shared, name="recipe_link"),
    path("recipes/", recipes.recipes, name="recipes"),
    path("recipes/new/", recipes.edit, name="recipe_new"),
    path("recipes/sentence/", recipes.sentence, name="recipe_sentence"),
    path("recipes/default/forget/", recipes.clear_default, name="recipe_clear_default"),
    path("recipes/<uuid:pk>/", recipes.edit, name="recipe"),
    path("logos/<uuid:pk>/", recipes.logo, name="logo"),
    path("recipes/<uuid:pk>/link/", recipes.link, name="recipe_to_link"),
    path("recipes/<uuid:pk>/default/", recipes.make_default, name="recipe_make_default"),
    path("recipes/<uuid:pk>/delete/", recipes.delete, name="recipe_delete"),
]
