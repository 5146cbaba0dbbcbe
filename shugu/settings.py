"""Deployment settings, read from the environment and the home; policy numbers live in shugu/rules, never here.

SHUGU_HOME   all state of this installation (default ./var)
SHUGU_PORT   the port of the exchange (default 8000)
DATABASE_URL an external PostgreSQL 15 or newer; without it the embedded one under SHUGU_HOME is used
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from shugu.kernel.home import Home

HOME = Home.from_environment()
BASE_DIR = Path(__file__).resolve().parent

SECRET_KEY = HOME.secret("django")
DEBUG = os.environ.get("SHUGU_DEBUG") == "1"
ALLOWED_HOSTS = HOME.allowed_hosts()
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host not in ("*",)]
SHUGU_PORT = HOME.port

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",  # the API's documentation page from our own address
    "procrastinate.contrib.django",
    "shugu.kernel",
    "shugu.web",
]
for _app in (
    "party", "registry", "appraisal", "catalogue", "market", "trade", "delivery", "settlement",
    "evidence", "supervision",
):
    if (BASE_DIR / _app / "apps.py").exists():
        INSTALLED_APPS.append(f"shugu.{_app}")
INSTALLED_APPS += ["shugu.edges.bank", "shugu.edges.federation", "shugu.edges.chain"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shugu.web.headers.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shugu.web.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shugu.web.rates.RateMiddleware",
    "shugu.party.seat.SeatMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "shugu.web.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "shugu.urls"
WSGI_APPLICATION = "shugu.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "shugu.web.context.shell",
            ],
            "builtins": ["shugu.web.templatetags.shugu"],
        },
    }
]

DATABASES = {"default": HOME.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HOME.behind_https
if HOME.behind_https:
    # The proxy in front must set this header itself and drop what a client sent (docs of operating a venue).
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
CSRF_FAILURE_VIEW = "shugu.web.refusals.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "lang"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATIC_ROOT = HOME.folder("static")
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = HOME.path / "documents"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]  # TLS is ended by the proxy in front

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": os.environ.get("SHUGU_LOG_LEVEL", "WARNING")},
}
NINJA_PAGINATION_PER_PAGE = 50
