"""The settings, read from the environment. Every value has a default that works at home.

Nothing has to be set to run on one machine. In the cloud, environment variables name the buckets, the tables
and the user pool; naming one replaces its home twin.
"""

from __future__ import annotations

import gc
import os
import re
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ

from imagesite import content_policy, cors, databases, logs, private, stores

env = environ.Env()
if secrets_path := env.str("SECRETS_PATH", default=""):
    from imagesite import ssm

    env.ENVIRON = {**env.ENVIRON, **ssm.read(secrets_path)}

BASE_DIR = Path(__file__).resolve().parent.parent
IN_CLOUD = "UPLOADS_BUCKET" in env.ENVIRON
if IN_CLOUD:
    # Objects created at startup stay alive: repeated garbage collection took a sixth of a cold start.
    gc.set_threshold(50_000)
DATA_DIR = Path(env.str("DATA_DIR", default="/tmp" if IN_CLOUD else str(BASE_DIR / "var"))).resolve()  # noqa: S108
if not IN_CLOUD:
    private.make_folder(DATA_DIR)

# --- Host --------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = private.checked_key(
    env.str("SECRET_KEY")
    if IN_CLOUD
    else env.str("SECRET_KEY", default="") or private.secret_key(DATA_DIR / "secret_key")
)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SITE_DOMAIN = env.str("SITE_DOMAIN", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[SITE_DOMAIN] if SITE_DOMAIN else [])
if not IN_CLOUD:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]"]  # health checks and Prometheus bypass the proxy
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The path that the site is served under, such as "/images"; the proxy may keep or strip it.
SITE_PATH = "/".join(["", *filter(None, env.str("SITE_PATH", default="").split("/"))])
FORCE_SCRIPT_NAME = SITE_PATH or None
HTTPS = env.bool("HTTPS", default=IN_CLOUD)
# The proxies whose X-Forwarded-Proto and X-Forwarded-For the home server trusts.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"])

ROOT_URLCONF = "imagesite.urls"
WSGI_APPLICATION = "imagesite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# For the API's documentation page. Ninja is not an installed app, since those are loaded at every cold start.
NINJA = Path(getattr(find_spec("ninja"), "origin", "")).parent

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "django_htmx",
    "imagesite.accounts",
    "converter",
]

MIDDLEWARE = [
    "imagesite.middleware.RequestIdMiddleware",
    "imagesite.middleware.LongAddressMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "imagesite.middleware.HeadMiddleware",
    "imagesite.middleware.CompressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "converter.api.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "imagesite.middleware.NoStoreMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "imagesite.middleware.MethodMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "imagesite.accounts.middleware.AttemptsMiddleware",
    "imagesite.accounts.guests.GuestMiddleware",
    "imagesite.accounts.middleware.LoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", NINJA / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "imagesite.accounts.context.access",
            ],
            "libraries": {"web": "converter.web.tags"},
        },
    }
]

# --- Database ----------------------------------------------------------------------------------------------

DATABASES = {
    "default": databases.configured(
        env.db_url("DATABASE_URL")
        if IN_CLOUD
        else env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
    )
}

# --- Accounts ----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "web:convert"
LOGOUT_REDIRECT_URL = "web:landing"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = ["imagesite.accounts.hashers.BoundedPBKDF2PasswordHasher"]
PASSWORD_RESET_TIMEOUT = 3600
SIGN_UP: str = env.str("SIGN_UP", default="open")  # or "invitation", "closed"
OIDC_ISSUER: str = env.str("OIDC_ISSUER", default="").rstrip("/")
OIDC_CLIENT_ID: str = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET: str = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME: str = env.str("OIDC_NAME", default="single sign-on")
OIDC_SIGN_UP = env.bool("OIDC_SIGN_UP", default=True)
PROXY_AUTH_HEADER: str = env.str("PROXY_AUTH_HEADER", default="")
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if PROXY_AUTH_HEADER:
    AUTHENTICATION_BACKENDS.append("imagesite.accounts.local.backend.ProxyBackend")
    MIDDLEWARE.insert(
        MIDDLEWARE.index("imagesite.accounts.middleware.LoginMiddleware"),
        "imagesite.accounts.local.backend.ProxyMiddleware",
    )
TOKEN_VERIFIERS = ["imagesite.accounts.tokens.own_token"]
COGNITO_USER_POOL_ID: str = env.str("COGNITO_USER_POOL_ID", default="")
COGNITO_CLIENT_ID: str = env.str("COGNITO_CLIENT_ID", default="")
COGNITO_JWKS: dict[str, list[dict[str, str]]] = env.json("COGNITO_JWKS", default={"keys": []})
if COGNITO_USER_POOL_ID:
    _endpoint = f"https://cognito-idp.{COGNITO_USER_POOL_ID.partition('_')[0]}.amazonaws.com"
    COGNITO_JWKS_URL: str = (
        f"{env.str('AWS_ENDPOINT_URL', default=_endpoint)}/{COGNITO_USER_POOL_ID}/.well-known/jwks.json"
    )
    AUTHENTICATION_BACKENDS = ["imagesite.accounts.cognito.backend.CognitoBackend"]
    TOKEN_VERIFIERS = [
        "imagesite.accounts.cognito.api_tokens.own_token",
        "imagesite.accounts.cognito.api_tokens.cognito_token",
    ]
    MIDDLEWARE.insert(
        MIDDLEWARE.index("imagesite.accounts.guests.GuestMiddleware"),
        "imagesite.accounts.cognito.middleware.CognitoMiddleware",
    )
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
# Without a mail server, e-mails are printed: fine in the console at home, but cloud logs must hold no
# addresses.
CONVERTER_MAIL = not IN_CLOUD or "EMAIL_BACKEND" in env.ENVIRON
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="images@localhost")

# --- Files -------------------------------------------------------------------------------------------------

S3_BUCKET: str = env.str("S3_BUCKET", default="")
STORAGES: dict[str, dict[str, Any]] = {
    **(
        stores.bucket(
            S3_BUCKET,
            endpoint=env.str("S3_ENDPOINT_URL", default=""),
            region=env.str("S3_REGION", default="us-east-1"),
        )
        if S3_BUCKET
        else stores.folders(DATA_DIR)
    ),
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "imagesite.static.HomeStaticFiles"},
}
STATIC_URL = f"{SITE_PATH}/static/"
STATICFILES_DIRS = [("ninja", folder) for folder in [NINJA / "static" / "ninja"] if folder.exists()]
STATIC_ROOT = DATA_DIR / "static"
FILE_UPLOAD_TEMP_DIR = None

# --- Conversion --------------------------------------------------------------------------------------------

# Fields of converter.engine.Limits; missing ones have the engine's default.
CONVERTER_LIMITS: dict[str, int] = {
    name: env.int(variable)
    for name, variable in {
        "max_bytes": "MAX_UPLOAD_BYTES",
        "max_pixels": "MAX_PIXELS",
        "max_total_pixels": "MAX_TOTAL_PIXELS",
        "max_frames": "MAX_FRAMES",
        "seconds": "MAX_SECONDS",
        "memory_bytes": "MAX_MEMORY_BYTES",
        "max_document_bytes": "MAX_DOCUMENT_BYTES",
        "max_document_pixels": "MAX_DOCUMENT_PIXELS",
        "document_seconds": "MAX_DOCUMENT_SECONDS",
    }.items()
    if variable in env.ENVIRON
}
CONVERTER_MAX_FILES = env.int("MAX_FILES_PER_BATCH", default=200)
DATA_UPLOAD_MAX_NUMBER_FILES = 10 * CONVERTER_MAX_FILES  # higher, so that our page reports the limit
CONVERTER_MAX_OUTPUTS = env.int("MAX_OUTPUTS_PER_BATCH", default=10)
CONVERTER_ONE_SHOT_BYTES = env.int("MAX_ONE_SHOT_BYTES", default=4_000_000)  # Lambda allows 6 MB, in base64
CONVERTER_IMPORT_BY_URL = env.bool("IMPORT_BY_URL", default=True)
CONVERTER_INSTALLABLE = env.bool("INSTALLABLE", default=True)  # as an app, with a service worker
CONVERTER_ORIGINALS = True  # whether owners can download them
CONVERTER_WEBHOOKS = env.bool("WEBHOOKS", default=True)
CONVERTER_OUTBOUND_ALLOWED = env.list("OUTBOUND_ALLOWED", default=[])  # private networks that may be reached
CONVERTER_REQUESTS_A_MINUTE = env.int("API_REQUESTS_A_MINUTE", default=1200)  # per token; 0 for no limit
CONVERTER_JOBS_A_DAY = env.int("JOBS_A_DAY", default=50_000)  # per user; 0 for no limit
CONVERTER_BYTES_KEPT = env.int("BYTES_KEPT", default=50_000_000_000)  # per user; 0 for no limit
CONVERTER_GUESTS = env.bool("GUESTS", default=SIGN_UP == "open")  # whether to convert without an account
CONVERTER_GUEST_JOBS_AN_HOUR = env.int("GUEST_JOBS_AN_HOUR", default=100)  # per guest; 0 for no limit
CONVERTER_GUEST_ADDRESS_JOBS_AN_HOUR = env.int("GUEST_ADDRESS_JOBS_AN_HOUR", default=300)  # per address
CONVERTER_GUEST_BYTES_KEPT = env.int("GUEST_BYTES_KEPT", default=2_000_000_000)  # per address
CONVERTER_RETENTION = timedelta(hours=env.float("RETENTION_HOURS", default=24))
CONVERTER_MAX_RETENTION = timedelta(  # the most that a user may choose
    hours=env.float("MAX_RETENTION_HOURS", default=max(7 * 24, CONVERTER_RETENTION / timedelta(hours=1)))
)
CONVERTER_GUEST_RETENTION = timedelta(
    hours=env.float("GUEST_RETENTION_HOURS", default=min(24, CONVERTER_RETENTION / timedelta(hours=1)))
)
CONVERTER_CONTACT_EMAIL: str = env.str("CONTACT_EMAIL", default="")  # on the help, privacy and terms pages
CONVERTER_WORKERS = env.int("WORKERS", default=0)  # 0: one per core
CONVERTER_SANDBOX_REQUIRED = env.bool("SANDBOX_REQUIRED", default=False)
CONVERTER_DISPATCH = "converter.dispatch.pool.PoolDispatch"
if env.str("DISPATCH", default="pool") == "procrastinate":
    CONVERTER_DISPATCH = "converter.dispatch.queue.QueueDispatch"
    INSTALLED_APPS.append("procrastinate.contrib.django")
    PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
CONVERTER_METADATA = "converter.metadata.database.DatabaseMetadata"
CONVERTER_CONFIGURATION = "converter.configuration.database.DatabaseConfiguration"
CONVERTER_LABELS: str = (
    "converter.metadata.rekognition.of_picture" if env.bool("REKOGNITION", default=False) else ""
)

CONVERTER_METRICS: str = env.str("POWERTOOLS_METRICS_NAMESPACE", default="")
# Prometheus's bearer token. Without it there is no /metrics.
CONVERTER_METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
CONVERTER_METRICS_DIR: str = env.str("PROMETHEUS_MULTIPROC_DIR", default=str(DATA_DIR / "metrics"))
if CONVERTER_METRICS_TOKEN:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = (
        CONVERTER_METRICS_DIR  # read by the Prometheus client, here and in the workers
    )
CONVERTER_SERVICE: str = env.str("POWERTOOLS_SERVICE_NAME", default="imagesite")

# --- Security ----------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Browsers send a host's cookies to all its ports and subpaths: two sites on one host need different names.
COOKIE_PREFIX = env.str("COOKIE_PREFIX", default="")
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}session", f"{COOKIE_PREFIX}csrftoken"
DEVICE_COOKIE_NAME = f"{COOKIE_PREFIX}device"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = f"{SITE_PATH}/"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie: Zappa multiplies them
CSRF_FAILURE_VIEW = "converter.web.errors.csrf_failure"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_SSL_REDIRECT = HTTPS
# Requested by machines, bypassing the proxy.
SECURE_REDIRECT_EXEMPT = [f"^{re.escape(f'{SITE_PATH}/'[1:])}(healthz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The origins whose pages may call the API, with a token but never with a cookie.
_cors_origins = env.list("CORS_ORIGINS", default=[])
CORS_ALLOW_ALL_ORIGINS = "*" in _cors_origins
CORS_ALLOWED_ORIGINS = [origin for origin in _cors_origins if origin != "*"]
CORS_URLS_REGEX = r"^/(api/v1/|mcp$|uploads$|results/)"
CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS = cors.ALLOWED, cors.EXPOSED
CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_policy.directives()}

# --- Language and time -------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["imagesite.formats"]
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Logs --------------------------------------------------------------------------------------------------

LOGGING = logs.configuration(CONVERTER_SERVICE, env.str("LOG_LEVEL", default="INFO"))

# --- Cloud -------------------------------------------------------------------------------------------------

if IN_CLOUD:
    REGION = env.str("AWS_REGION")
    UPLOADS_BUCKET, RESULTS_BUCKET = env.str("UPLOADS_BUCKET"), env.str("RESULTS_BUCKET")
    STATIC_BUCKET: str = env.str("STATIC_BUCKET")
    CLOUDFRONT_KEY_ID = env.str("CLOUDFRONT_KEY_ID", default="")
    CLOUDFRONT_DOMAIN = env.str("CLOUDFRONT_DOMAIN") if CLOUDFRONT_KEY_ID else ""

    # CloudFront forwards the visitor's host; the secret header proves that the request came from CloudFront.
    USE_X_FORWARDED_HOST = True
    FORCE_SCRIPT_NAME = ""  # the stage is part of API Gateway's path, not of ours
    ORIGIN_SECRETS: list[str] = env.list("ORIGIN_SECRETS", default=[])
    MIDDLEWARE = [
        "imagesite.middleware.OriginMiddleware",
        *(name for name in MIDDLEWARE if not name.startswith("whitenoise.")),
    ]

    _signer = (
        {
            "custom_domain": CLOUDFRONT_DOMAIN,
            "cloudfront_key_id": CLOUDFRONT_KEY_ID,
            "cloudfront_key": env.str("CLOUDFRONT_PRIVATE_KEY"),
        }
        if CLOUDFRONT_KEY_ID
        else {}
    )
    STORAGES["uploads"] = {
        "BACKEND": "converter.storage.s3.S3Bucket",
        # A URL of the site, as at home: CloudFront forwards the form to the bucket.
        "OPTIONS": {"bucket_name": UPLOADS_BUCKET, "region_name": REGION, "form_url": "/uploads", **_signer},
    }
    # The site's function may not read originals, so links that it signs for S3 cannot download them.
    CONVERTER_ORIGINALS = bool(_signer)
    STORAGES["results"] = {
        "BACKEND": "converter.storage.s3.S3Bucket",
        "OPTIONS": {"bucket_name": RESULTS_BUCKET, "region_name": REGION, **_signer},
    }
    # A function only needs the static files' names, from the manifest in its code; the deployment uploads
    # them.
    STORAGES["staticfiles"] = (
        {
            "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
            "OPTIONS": {"location": BASE_DIR},
        }
        if "AWS_LAMBDA_FUNCTION_NAME" in env.ENVIRON
        else {
            "BACKEND": "imagesite.static.StaticFiles",
            "OPTIONS": {
                "bucket_name": STATIC_BUCKET,
                "region_name": REGION,
                "manifest_folder": str(BASE_DIR),
            },
        }
    )
    CONVERTER_DISPATCH = "converter.dispatch.invoke.InvokeDispatch"
    CONVERTER_WORKER_FUNCTION: str = env.str("WORKER_FUNCTION")
    CONVERTER_METADATA = "converter.metadata.dynamodb.DynamoDBMetadata"
    CONVERTER_METADATA_TABLE: str = env.str("METADATA_TABLE")
    CONVERTER_CONFIGURATION = "converter.configuration.dynamodb.DynamoDBConfiguration"
    CONVERTER_CONFIGURATION_TABLE: str = env.str("CONFIGURATION_TABLE")

    # Results come from another host, so that users' files are never served from the site's origin.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"].append(
        f"https://{CLOUDFRONT_DOMAIN}"
        if CLOUDFRONT_KEY_ID
        else env.str("AWS_ENDPOINT_URL", default=f"https://{RESULTS_BUCKET}.s3.{REGION}.amazonaws.com")
    )
