"""Every setting, from the environment; unsafe values stop the start with a sentence.

``ADVOCACY_MODE`` is ``production`` (the default), ``demo`` (``make demo``, development) or ``test``.
A file ``.local/env``, written by ``make services`` and ``make demo``, fills in what the environment leaves out.
"""

import secrets
from importlib.util import find_spec
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = BASE_DIR / ".local"

env = environ.Env()
if (LOCAL_DIR / "env").is_file():
    env.read_env(str(LOCAL_DIR / "env"))

MODE = env.str("ADVOCACY_MODE", default="production")
if MODE not in {"production", "demo", "test"}:
    raise ImproperlyConfigured(f"ADVOCACY_MODE is {MODE!r}; it must be production, demo or test.")
PRODUCTION = MODE == "production"

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="" if MODE != "test" else secrets.token_urlsafe(50))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "testserver"])
SITE_URL = env.str("SITE_URL", default="" if PRODUCTION else "http://127.0.0.1:8000").rstrip("/")

if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or shorter than 50 characters. Set it in the environment; "
        "`make services` writes one for development."
    )
if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off in production. Unset DEBUG, or set ADVOCACY_MODE=demo.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the portal's hosts, without '*'.")
    if not SITE_URL.startswith("https://"):
        raise ImproperlyConfigured("SITE_URL must be the portal's public https:// address; mails link to it.")

INSTALLED_APPS = [
    "advocacy.lib",
    "advocacy.users",
    "advocacy.crm",
    "advocacy.delivery",
    "advocacy.dashboards",
    "advocacy.api",
    "advocacy.local",
    "advocates",
    "opportunities",
    "community",
    "newsletter",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "template_partials",
    "js_lib_bootstrap5",
    "csp",
    "pghistory",
    "pghistory.admin",
    "pgtrigger",
    "import_export",
    "django_structlog",
    "django_prometheus",
    "ninja",
    "anymail",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",  # its templates, so that ours may stand in for them
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "advocacy.users.middleware.PersonalTimeZone",
    "advocacy.users.middleware.DefaultDeny",
    "advocacy.api.middleware.OnceForEachKey",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "advocacy.urls"
WSGI_APPLICATION = "advocacy.wsgi.application"

_loaders = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "advocacy.crm.context.program",
                "advocacy.lib.context.navigation",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [("django.template.loaders.cached.Loader", _loaders)] if not DEBUG else _loaders,
                )
            ],
            "builtins": ["template_partials.templatetags.partials", "advocacy.lib.templatetags.look"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Postgres and Redis -------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default="postgres:///advocacy")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# PgBouncer in transaction mode cannot keep a named cursor between transactions.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("PGBOUNCER", default=False)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")

CACHES = {
    "default": {
        "BACKEND": "advocacy.lib.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # a session survives the loss of Redis

# --- People and sign-in -------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = [
    "advocacy.users.backends.RoleBackend",
    "advocacy.users.backends.SignInBackend",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "advocacy.delivery.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_RATE_LIMITS = env.json("ACCOUNT_RATE_LIMITS", default={}) if not PRODUCTION else {}
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if MODE == "test"
    else ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- Mail: everything is written to the outbox; this is how the sender hands it on ---------------------------------
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://" if not PRODUCTION else "smtp://localhost:25")
vars().update(EMAIL_CONFIG)
# A provider's API instead of SMTP, as django-anymail names it (mailgun, postmark …), with its settings as JSON:
# MAIL_PROVIDER=mailgun
# ANYMAIL={"MAILGUN_API_KEY": "…", "MAILGUN_WEBHOOK_SIGNING_KEY": "…", "WEBHOOK_SECRET": "name:password"}
MAIL_PROVIDER = env.str("MAIL_PROVIDER", default="")
ANYMAIL = env.json("ANYMAIL", default={})
if MAIL_PROVIDER:
    if find_spec(f"anymail.backends.{MAIL_PROVIDER}") is None:
        raise ImproperlyConfigured(
            f"MAIL_PROVIDER is {MAIL_PROVIDER!r}; django-anymail knows no provider of that name."
        )
    EMAIL_BACKEND = f"anymail.backends.{MAIL_PROVIDER}.EmailBackend"
# The domain whose mail comes back to the portal: replies, and what colleagues put in copy. None: it takes no mail.
INBOUND_DOMAIN = env.str("INBOUND_DOMAIN", default="").lower()
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=30)
# How long a sender keeps what it has taken before another may. It renews while it lives, so this is only the time after
# which the rest of a killed sender's share goes on; what it was just sending is then shown to a person as in doubt.
MAIL_LEASE_SECONDS = env.float("MAIL_LEASE_SECONDS", default=30)
# How many of the workers' processes send at once; fewer than there are, so that a mailing leaves room for the clock.
MAIL_SENDERS = env.int("MAIL_SENDERS", default=1)
# A run of mail (an edition, a review campaign) holds itself when this share of its readers complains, from so many on.
MAIL_COMPLAINT_SHARE = env.float("MAIL_COMPLAINT_SHARE", default=0.003)
MAIL_COMPLAINTS_AT_LEAST = env.int("MAIL_COMPLAINTS_AT_LEAST", default=3)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="program@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Celery: nudges and the clock; Postgres knows what is owed ------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 15 * 60
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for Redis however long it is away
# Who sends a nudge does not wait for it: by default a publisher tries for ever while the broker is away.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
CELERY_TIMEZONE = "UTC"
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # without it /metrics stays closed in production
CLOCK_SECONDS = env.float("CLOCK_SECONDS", default=15)
CELERY_TASK_ALWAYS_EAGER = False
LATE_DATA_DAYS = env.int("LATE_DATA_DAYS", default=35)  # how late data may come in and still lead to something

# --- Security -------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "advocacy.lib.errors.csrf_failure"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    CSRF_TRUSTED_ORIGINS = [SITE_URL]
    BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
    if BEHIND_TLS_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(LOCAL_DIR / "media")))
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

# --- Languages and time ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español"), ("pt", "Português")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "advocacy.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]

# --- Logs -----------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "structlog.stdlib.ProcessorFormatter", "processor": "ext://advocacy.lib.logs.render"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO" if PRODUCTION else "WARNING")},
    # Django's own logger would mail errors to ADMINS; all mail goes through the outbox, so it writes like the others.
    "loggers": {"django": {"handlers": [], "propagate": True}},
}

# --- Audit: who changed what and when, kept by triggers ------------------------------------------------------------
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")
