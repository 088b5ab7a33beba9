"""All settings in one file, read from the environment.

Without any variable the product runs embedded: SQLite, a Valkey of its own and a generated secret key, all under
DATA_DIR, reachable from this machine only. `NEXA_ENV=production` demands the rest by name.
"""

import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name, default=False):
    value = os.environ.get(name, "").strip().lower()
    if value not in ("", "0", "1", "true", "false", "yes", "no"):
        raise ImproperlyConfigured(f"{name}={value!r} is not a yes or no: use 1 or 0.")
    return default if value == "" else value in ("1", "true", "yes")


def _number(name, default):
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number, for example {default}.") from None


def _words(name, default=""):
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


ENVIRONMENT = os.environ.get("NEXA_ENV", "local")
if ENVIRONMENT not in ("local", "production"):
    raise ImproperlyConfigured(f"NEXA_ENV={ENVIRONMENT!r} is unknown: use local or production.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = _flag("DJANGO_DEBUG")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DJANGO_DEBUG=1 shows internals to visitors: unset it where NEXA_ENV=production.")

DATA_DIR = Path(os.environ.get("DATA_DIR", BASE_DIR / "var")).expanduser().resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)


def _local_secret_key():
    """A key that is made once and kept readable for its owner alone, so that log-ins outlive a restart."""
    path = DATA_DIR / "secret_key"
    if not path.exists():
        # Written whole under another name and linked: of processes that start together all read the one key.
        descriptor, whole = tempfile.mkstemp(dir=DATA_DIR, prefix=".secret_key")
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(60))
        with contextlib.suppress(FileExistsError):
            os.link(whole, path)
        os.unlink(whole)
    key = path.read_text().strip()
    if not key:
        raise ImproperlyConfigured(f"{path} is empty: delete it, and a new key is made at the next start.")
    return key


SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY is not set: NEXA_ENV=production needs 50 or more random characters.")
    SECRET_KEY = _local_secret_key()

ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set: name the hosts to serve, as in distill.example.org.")
CSRF_TRUSTED_ORIGINS = _words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "distill_site.apps.DistillAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_tables2",
    "django_filters",
    "bootstrap",
    "django_rq",
    "curation",
    "pipeline",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "distill_site.middleware.WithoutNul",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Django 5.1: every view needs a log-in unless it says otherwise, so a new page cannot be forgotten.
    "distill_site.middleware.LogInLeadsToAPage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "distill_site.middleware.content_security_policy",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "distill_site.urls"
WSGI_APPLICATION = "distill_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "curation.access.project_bar",
            ]
        },
    }
]

# SQLite: IMMEDIATE removes the lock errors of a read that turns into a write, WAL lets readers go on meanwhile;
# no ATOMIC_REQUESTS, since every page would then take the write lock.
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-32000"
    ),
}
DATABASE_URL = os.environ.get("DATABASE_URL", f"sqlite:///{DATA_DIR / 'distill.sqlite3'}")
try:
    DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
except Exception as error:
    raise ImproperlyConfigured(
        "DATABASE_URL cannot be read: use postgres://user:password@host:5432/name or sqlite:////absolute/path."
    ) from error
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = _SQLITE_OPTIONS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A unix socket's path may have 104 bytes on some systems; a deep DATA_DIR gets a short one beside the others'.
VALKEY_SOCKET = str(DATA_DIR / "valkey" / "valkey.sock")
if len(VALKEY_SOCKET.encode()) > 100:
    _short = hashlib.sha256(str(DATA_DIR).encode()).hexdigest()[:12]
    VALKEY_SOCKET = str(Path(tempfile.gettempdir()) / f"nexa-{os.getuid()}-{_short}" / "valkey.sock")
EMBEDDED_VALKEY = not os.environ.get("REDIS_URL")
REDIS_URL = os.environ.get("REDIS_URL") or f"unix://{VALKEY_SOCKET}?db=0"
# A job is a chunk of prompts and watches its calls itself: no time limit of the queue's.
RQ = {"WORKER_CLASS": "pipeline.workers.ResumableWorker"}
RQ_QUEUES = {"default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": -1}}

EMBEDDED_MODEL_FILE = DATA_DIR / "embedded_model.json"
CONFIG_DIR = BASE_DIR / "configs"
PROMPT_DIR = BASE_DIR / "prompts"

RETRY_PAUSE_SECONDS = _number("NEXA_RETRY_PAUSE_SECONDS", 1)
# An endpoint that only fails is left alone for so long, then twice as long, up to twelve times; a run ends when it has
# done nothing else for ENDPOINT_PATIENCE_SECONDS.
BREAKER_PAUSE_SECONDS = _number("NEXA_BREAKER_PAUSE_SECONDS", 5)
ENDPOINT_PATIENCE_SECONDS = _number("NEXA_ENDPOINT_PATIENCE_SECONDS", 900)
LEASE_SECONDS = _number("NEXA_LEASE_SECONDS", 20)
# How often an endpoint is asked how far its batches are.
BATCH_POLL_SECONDS = _number("NEXA_BATCH_POLL_SECONDS", 60)
REVIEW_CLAIM_SECONDS = _number("NEXA_REVIEW_CLAIM_SECONDS", 900)
REVIEW_UNDO_SECONDS = _number("NEXA_REVIEW_UNDO_SECONDS", 30)
# A large upload lies here while it comes in: on the disk that its copy goes to, not in the system's small /tmp.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
MAX_UPLOAD_BYTES = _number("NEXA_MAX_UPLOAD_MB", 2048) * 1024 * 1024

# A reply of an endpoint that is larger is not read to its end: it would fill memory and the database.
MAX_REPLY_BYTES = _number("NEXA_MAX_REPLY_MB", 64) * 1024 * 1024

LANGUAGE_CODE = "en"
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns where there is none
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

CSRF_FAILURE_VIEW = "curation.views.accounts.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# Where no mail server is named, mail (password resets) is printed by the server process.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = _number("EMAIL_PORT", 25)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS")
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "distill@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SECURE_SSL_REDIRECT = _flag("SECURE_SSL_REDIRECT", True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("BEHIND_PROXY", True) else None
    SECURE_HSTS_SECONDS = _number("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    # The HTTP client's debug log prints headers, hence keys: it stays at warnings whatever LOG_LEVEL says.
    "loggers": {name: {"level": "WARNING"} for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2")}
    | {"django.request": {"filters": ["one_line"]}},
    "filters": {"one_line": {"()": "distill_site.logs.OneLine"}},
}

DJANGO_TABLES2_TEMPLATE = "includes/table.html"
