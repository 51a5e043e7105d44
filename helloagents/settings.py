"""Settings, read top to bottom. The environment is read here and nowhere else.

`.env.example` documents every variable; what cannot be right is refused at the end.
"""

import gc
from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from celery.schedules import crontab
from corsheaders import defaults as cors_defaults
from csp import constants as csp
from django.utils.translation import gettext_lazy as _
from whitenoise.compress import Compressor

from helloagents import configuration, proxies, rates
from helloagents import logging as log
from tutor import configured
from tutor.providers.services import KNOWN, Service

# Lets classes name what they hold, as in `admin.ModelAdmin[Course]`.
django_stubs_ext.monkeypatch()

# What is loaded from here on stays. Looking for garbage among it takes a third of a process's start; the last
# app to load anything has Python look again (helloagents.apps).
gc.disable()

BASE_DIR = Path(__file__).resolve().parent.parent

env = configuration.Environment()
env.read_env(str(BASE_DIR / ".env"))

# Where a development site keeps what it makes: database, uploads, sandbox files.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
# So that manage.py in another terminal means the site that `make run` started.
env.read_choices_of_make_run(VAR_DIR / configuration.CHOICES_OF_MAKE_RUN)

# --- Identity -------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if DEBUG and not SECRET_KEY:
    SECRET_KEY = "development-only-key-that-production-refuses"  # noqa: S105 - only with DEBUG on
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
INTERNAL_IPS = ["127.0.0.1"]
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")  # for links that commands print

INSTALLED_APPS = [
    "helloagents",
    "helloagents.api",
    "lessons",
    "sandbox",
    "tutor",
    "progress",
    "django_htmx",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.usersessions",
    "corsheaders",
    "csp",
    "helloagents.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "helloagents.proxies.client_address",
    "helloagents.metrics.count_requests",
    "helloagents.middleware.request_id",
    "helloagents.api.versions.version_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "helloagents.middleware.permissions_policy",
    "csp.middleware.CSPMiddleware",
    "helloagents.metrics.answer_scrapes",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "helloagents.languages.remember_language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "helloagents.limits.RateLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "helloagents.urls"
ASGI_APPLICATION = "helloagents.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "helloagents.languages.languages",
                "helloagents.accounts.role",
                "progress.views.notifications.unread",
                "progress.views.marks.marks",
            ],
        },
    },
]

# --- Data -----------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=20)
DATABASE_WAIT_SECONDS = env.float("DATABASE_WAIT_SECONDS", default=3)
if DATABASES["default"].get("ENGINE") == "django.db.backends.sqlite3":
    # WAL lets pages read while a worker writes; IMMEDIATE makes writers queue instead of failing half way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            "PRAGMA mmap_size=134217728; PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY;"
        ),
    }
else:
    # Under ASGI each request has a thread of its own, so connections are pooled, not kept per thread.
    from helloagents.pooled import PooledConnection  # SQLite does without psycopg

    DATABASES["default"]["OPTIONS"] = {
        "pool": {
            "min_size": min(2, DATABASE_POOL_SIZE),
            "max_size": DATABASE_POOL_SIZE,
            # While the database is away a page says so soon, instead of keeping its reader and a thread.
            "timeout": DATABASE_WAIT_SECONDS,
            "connection_class": PooledConnection,
        },
        "connect_timeout": 3,  # seconds, to connect to a host that does not answer
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {"BACKEND": "helloagents.caching.OptionalRedisCache", "LOCATION": REDIS_URL},
    # The counters of rate limits; whoever counts hears when Redis is away.
    "limits": {
        "BACKEND": "helloagents.caching.Counters",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},  # seconds
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# How long work that somebody deleted stays in the database, hidden from everybody.
DELETED_KEPT_DAYS = env.int("DELETED_KEPT_DAYS", default=30)
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "helloagents.User"
AUTHENTICATION_BACKENDS = ["helloagents.accounts.NameOrAddress"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
] + [{"NAME": "helloagents.passwords.KindsOfCharacters"}]
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "helloagents.accounts.Accounts"
ACCOUNT_FORMS = {"add_email": "helloagents.addresses.AddAddressForm"}
# Without it only administrators make accounts.
SIGN_UP_OPEN = env.bool("SIGN_UP_OPEN", default=True)

# A second factor: codes of an app with recovery codes, and passkeys, which also sign in alone.
MFA_ADAPTER = "helloagents.second_factor.SecondFactor"
MFA_FORMS = {
    "authenticate": "helloagents.second_factor_forms.Authenticate",
    "reauthenticate": "helloagents.second_factor_forms.Reauthenticate",
    "add_webauthn": "helloagents.second_factor_forms.AddKey",
    "edit_webauthn": "helloagents.second_factor_forms.RenameKey",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "HelloAgents"
MFA_TOTP_TOLERANCE = 1  # periods of 30 s that a clock may be off

# Buttons for GitHub and Google are there when the operator has registered the site with them.
SOCIALACCOUNT_ADAPTER = "helloagents.accounts.SocialAccounts"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address alone opens no account: its owner connects it
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {
    "github": configuration.social_app(
        env.str("GITHUB_CLIENT_ID", default=""), env.str("GITHUB_CLIENT_SECRET", default="")
    ),
    "google": configuration.social_app(
        env.str("GOOGLE_CLIENT_ID", default=""), env.str("GOOGLE_CLIENT_SECRET", default="")
    )
    | {"OAUTH_PKCE_ENABLED": True},
}
# A guest may run code: on in development, an operator's choice in production.
GUESTS_MAY_RUN_CODE = env.bool("GUESTS_MAY_RUN_CODE", default=DEBUG)

# --- Mail -----------------------------------------------------------------------------------------

# Without EMAIL_URL a production sends no mail and offers nothing that needs it; development prints it.
MAIL = env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "dummymail://")
EMAIL_BACKEND = MAIL["EMAIL_BACKEND"]
EMAIL_HOST = MAIL["EMAIL_HOST"]
EMAIL_PORT = MAIL["EMAIL_PORT"]
EMAIL_HOST_USER = MAIL["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = MAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = MAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = MAIL["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = 10  # seconds: a mail server that hangs does not hold up a sign-up for longer
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="helloagents@localhost")
SITE_SENDS_MAIL = not EMAIL_BACKEND.endswith("dummy.EmailBackend")
ACCOUNT_EMAIL_VERIFICATION = "optional" if SITE_SENDS_MAIL else "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[HelloAgents] "
ACCOUNT_EMAIL_NOTIFICATIONS = SITE_SENDS_MAIL  # of changes to password, addresses, second factor
# Otherwise whoever signs up with another's address could lock its owner out for good.
MFA_ALLOW_UNVERIFIED_EMAIL = not SITE_SENDS_MAIL

# --- Language -------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["helloagents.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

# --- Log ------------------------------------------------------------------------------------------

# Of how many requests the routine lines are kept; see helloagents/sampling.py. A terminal shows news alone.
LOG_ROUTINE_SHARE = env.float("LOG_ROUTINE_SHARE", default=0 if DEBUG else 1)
SLOW_REQUEST_SECONDS = env.float("SLOW_REQUEST_SECONDS", default=1)  # a longer one is a warning
LOGGING = log.configure(debug=DEBUG, routine_share=LOG_ROUTINE_SHARE)

# --- Reports to others ----------------------------------------------------------------------------

SITE_ENVIRONMENT = env.str("SITE_ENVIRONMENT", default="development" if DEBUG else "production")
SITE_VERSION = env.str("SITE_VERSION", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")  # where faults are reported to; empty: nowhere
# Where traces go (OTLP over HTTP), and of how many requests. The SDK reads its other OTEL_… variables itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
TRACE_SHARE = env.float("TRACE_SHARE", default=1)

# --- Static files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))  # where they are collected
STATICFILES_DIRS = [BASE_DIR / "static"]
# In development files are served from where they are edited; in production from STATIC_ROOT.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]  # for no reader
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Security -------------------------------------------------------------------------------------

# A production is reached over HTTPS alone. Browsers remember that for SECURE_HSTS_SECONDS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics$"]  # machines ask from inside, past the proxy
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 30 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_SUBDOMAINS", default=not DEBUG)
CSRF_FAILURE_VIEW = "helloagents.views.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Scripts and styles are files of the site: nothing inline, no eval. A view that needs more says so itself.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.SELF],
        "img-src": [csp.SELF, "data:"],  # data: the QR code of an authenticator app
        "object-src": [csp.NONE],
        "worker-src": [csp.SELF],  # the service worker, which keeps lessons readable offline
        "base-uri": [csp.NONE],
        "frame-ancestors": [csp.NONE],
        # Forms that sign in elsewhere are sent on from here; browsers check that, too.
        "form-action": [csp.SELF, *configuration.origins_of_sign_in(SOCIALACCOUNT_PROVIDERS)],
    }
}
# Other sites whose pages may call the API: https://school.example.org
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*cors_defaults.default_headers, "last-event-id", "x-request-id"]
CORS_EXPOSE_HEADERS = [  # what their scripts may read of an answer
    *("X-API-Version", "X-Supported-Versions", "X-Request-ID", "Deprecation", "Link", "Location"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"),
]
# What is encrypted in the database: recovery codes, keys of authenticator apps, learners' own keys of model
# providers. The first secret encrypts, all decrypt; see docs/operations.md for how to change it.
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[]) or [SECRET_KEY]

# The proxies in front: how many, or their networks. They alone are believed about who asks, and how.
TRUSTED_PROXIES = env.understood(
    "TRUSTED_PROXIES",
    env.list("TRUSTED_PROXIES", default=[]),
    proxies.TrustedProxies.parse,
    proxies.TrustedProxies(),
)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # nobody else's gets here; see proxies.py
# Who may read /metrics: whoever shows the token, and whoever asks from these networks.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = env.understood(
    "METRICS_NETWORKS",
    env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1"]),
    configuration.networks,
    default=configuration.networks([]),
)
# Where web processes share their counts of requests; prometheus_client reads the variable itself, too.
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")

# --- API ------------------------------------------------------------------------------------------

RATE_LIMITS = env.understood(
    "RATE_LIMITS", env.list("RATE_LIMITS", default=[]), rates.read_rates, dict(rates.DEFAULTS)
)
RATELIMIT_USE_CACHE = "limits"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "helloagents.api.authentication.TokenAuthentication",
        "helloagents.api.authentication.BrowserSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["helloagents.api.bodies.JsonObject"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "helloagents.api.bodies.OneFormat",
    "DEFAULT_THROTTLE_CLASSES": ["helloagents.api.throttles.Limits"],
    "DEFAULT_SCHEMA_CLASS": "helloagents.api.schema.Operation",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is for CORS alone
    "EXCEPTION_HANDLER": "helloagents.api.errors.answer_exception",
    "URL_FORMAT_OVERRIDE": None,
}
# A key of its own, so that a signature of the site's sessions and links is never one of a token.
JWT_SIGNING_KEY = env.str("JWT_SIGNING_KEY", default="") or configuration.derived_key(SECRET_KEY, "API")
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ISSUER": "helloagents",
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),  # from its last use
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HelloAgents API",
    "VERSION": "v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["helloagents.api.schema.only_current"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "helloagents.api.schema.explain_errors",
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {"ProgramLanguageEnum": ["javascript", "python"]},
}

# --- Work in the background -----------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_DEFAULT_QUEUE = "celery"  # the Redis list that the dashboard counts
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND_THREAD_SAFE = True  # there is none; else each request would make it anew
# A message is gone when it is taken: rows, not messages, tell what runs a dead worker left behind. To note it
# in Redis until it is acknowledged would cost each run two more questions, and a worker that loses Redis its
# life (Kombu cannot put it back then).
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"ack_emulation": False}
# A worker takes what it has threads for, so that nothing waits on a busy host while another one idles.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "recover-stale-submissions": {"task": "progress.tasks.recover_stale_submissions", "schedule": 30.0},
    "publish-lessons-that-are-due": {"task": "lessons.tasks.publish_due", "schedule": 30.0},
    "forget-old-rows": {
        "task": "helloagents.tasks.forget_old_rows",
        "schedule": crontab(hour="3", minute="30"),
    },
    "tidy-the-ledger-of-models": {"task": "tutor.tasks.tidy_ledger", "schedule": 3600.0},
    "tidy-talks-with-the-tutor": {"task": "tutor.tasks.tidy_talks", "schedule": 600.0},
}
CELERY_BEAT_SCHEDULER = "helloagents.beat.Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# --- Running learners' code -----------------------------------------------------------------------

# auto: a reachable Docker engine, else bubblewrap, else running is refused with an explanation.
SANDBOX_ENGINE = env.str("SANDBOX_ENGINE", default="auto")
SANDBOX_IMAGE = env.str("SANDBOX_IMAGE", default="helloagents-sandbox:python")
SANDBOX_RUNTIME = env.str("SANDBOX_RUNTIME", default="")  # "runsc" for gVisor
# Where the packages of images are kept once fetched; each lies in a folder named after its content.
SANDBOX_PACKAGES_DIR = Path(env.str("SANDBOX_PACKAGES_DIR", default=str(VAR_DIR / "sandbox")))
# Where sockets for containers' supervisors are made; empty: with other temporary files. The engine has to see
# the same folder by the same name, or each message of a run makes a detour through it.
SANDBOX_CHANNELS_DIR = env.str("SANDBOX_CHANNELS_DIR", default="")
SANDBOX_MEMORY_MB = env.int("SANDBOX_MEMORY_MB", default=128)
SANDBOX_AGENT_MEMORY_MB = env.int("SANDBOX_AGENT_MEMORY_MB", default=256)  # of images with packages
SANDBOX_CPUS = env.float("SANDBOX_CPUS", default=0.5)
SANDBOX_PROCESSES = env.int("SANDBOX_PROCESSES", default=64)
SANDBOX_TMP_MB = env.int("SANDBOX_TMP_MB", default=10)
SANDBOX_OUTPUT_KB = env.int("SANDBOX_OUTPUT_KB", default=256)
SANDBOX_POOL_INITIAL = env.int("SANDBOX_POOL_INITIAL", default=3)
SANDBOX_POOL_MIN = env.int("SANDBOX_POOL_MIN", default=1)
SANDBOX_POOL_MAX = env.int("SANDBOX_POOL_MAX", default=10)
SANDBOX_POOL_IDLE_SECONDS = env.int("SANDBOX_POOL_IDLE_SECONDS", default=300)
SANDBOX_LEASE_WAIT_SECONDS = env.int("SANDBOX_LEASE_WAIT_SECONDS", default=60)
# Above this busy share of the window a pool grows ahead of demand.
SANDBOX_GROWTH_ABOVE = env.float("SANDBOX_GROWTH_ABOVE", default=0.8)
SANDBOX_GROWTH_WINDOW_SECONDS = env.float("SANDBOX_GROWTH_WINDOW_SECONDS", default=60)
SANDBOX_SINGLE_USE = env.bool("SANDBOX_SINGLE_USE", default=False)  # a container for each run
SANDBOX_RUNS_PER_CONTAINER = env.int("SANDBOX_RUNS_PER_CONTAINER", default=1000)
# A container is replaced above this share of platform failures among at least so many samples.
SANDBOX_FAILURE_RATE = env.float("SANDBOX_FAILURE_RATE", default=0.1)
SANDBOX_FAILURE_SAMPLES = env.int("SANDBOX_FAILURE_SAMPLES", default=10)
SANDBOX_FAILED_CHECKS = env.int("SANDBOX_FAILED_CHECKS", default=3)  # in a row, then it is replaced, too
SANDBOX_CHECK_SECONDS = env.float("SANDBOX_CHECK_SECONDS", default=2)  # between rounds of maintenance
SANDBOX_DEEP_CHECK_SECONDS = env.float("SANDBOX_DEEP_CHECK_SECONDS", default=30)
SANDBOX_PING_AFTER_SECONDS = env.float("SANDBOX_PING_AFTER_SECONDS", default=10)
SANDBOX_BUILD_PAUSE_SECONDS = env.float("SANDBOX_BUILD_PAUSE_SECONDS", default=1)
SANDBOX_REAP_SECONDS = env.float("SANDBOX_REAP_SECONDS", default=30)  # between looks for orphans

# --- Models ---------------------------------------------------------------------------------------

# The site's providers, in the order they are asked; administrators can add more in the admin.
MODEL_PROVIDERS = env.model_providers(env.list("MODEL_PROVIDERS", default=[]))
MODEL_CURRENCY = env.str("MODEL_CURRENCY", default="USD")  # of all prices
# Where a lesson has a scripted model and there is a real one: which answers. A script may say otherwise.
MODEL_PREFERS_SCRIPTS = env.bool("MODEL_PREFERS_SCRIPTS", default=True)
# Visitors without an account talk to scripted models only: a new guest costs nothing to be.
MODEL_GUESTS_MAY_CALL = env.bool("MODEL_GUESTS_MAY_CALL", default=DEBUG)
# Services for which learners may store a key of their own; empty: all known ones. name=https://… adds one.
MODEL_OWN_KEY_SERVICES: dict[str, Service] = env.understood(
    "MODEL_OWN_KEY_SERVICES",
    env.list("MODEL_OWN_KEY_SERVICES", default=[]) or list(KNOWN),
    configured.read_services,
    {},
)
MODEL_BUDGETS = {
    who_when: env.understood(f"MODEL_BUDGET_{who_when}", text, configured.read_budget, configured.Budget())
    for who_when, text in {
        "USER_MINUTE": env.str("MODEL_BUDGET_USER_MINUTE", default="requests=30 tokens=100000"),
        "USER_DAY": env.str("MODEL_BUDGET_USER_DAY", default="requests=500 tokens=500000 money=0.50"),
        "SITE_MINUTE": env.str("MODEL_BUDGET_SITE_MINUTE", default="requests=600 tokens=2000000"),
        "SITE_DAY": env.str("MODEL_BUDGET_SITE_DAY", default="money=20"),
    }.items()
}
MODEL_CALLS_PER_RUN = env.int("MODEL_CALLS_PER_RUN", default=200)
MODEL_MAX_ANSWER_TOKENS = env.int("MODEL_MAX_ANSWER_TOKENS", default=8192)  # what a call may ask for
MODEL_CONNECT_SECONDS = env.float("MODEL_CONNECT_SECONDS", default=5)
MODEL_SILENCE_SECONDS = env.float("MODEL_SILENCE_SECONDS", default=40)  # without a byte of the answer
MODEL_CALL_SECONDS = env.float("MODEL_CALL_SECONDS", default=180)
MODEL_RETRIES = env.int("MODEL_RETRIES", default=1)  # at one provider, before the next is asked
MODEL_RETRY_WAIT_SECONDS = 3.0  # a provider that wants a longer pause is not asked again
# How long what models were asked and answered is kept; who called when and at what cost stays.
MODEL_TRACE_DAYS = env.int("MODEL_TRACE_DAYS", default=90)

# --- Tutor ----------------------------------------------------------------------------------------

TUTOR_ANSWERS_AT_ONCE = env.int("TUTOR_ANSWERS_AT_ONCE", default=64)  # in one web process
# What is sent for an answer, about: sections, code, output, the talk so far. A budget, too, has to hold it.
TUTOR_CONTEXT_TOKENS = env.int("TUTOR_CONTEXT_TOKENS", default=8000)
# Names of models that look at pictures, as patterns: elsewhere none can be chosen.
TUTOR_IMAGE_MODELS = env.list(
    "TUTOR_IMAGE_MODELS",
    default=[
        "gpt-4o*",
        "gpt-4.1*",
        "gpt-5*",
        "claude*",
        "gemini*",
        "*vision*",
        "*-vl*",
        "glm-4*v*",
        "*llava*",
    ],
)

# --- Runs -----------------------------------------------------------------------------------------

RUN_TIMEOUT_DEFAULT = env.int("RUN_TIMEOUT_DEFAULT", default=30)  # seconds
RUN_TIMEOUT_MAX = env.int("RUN_TIMEOUT_MAX", default=60)
RUN_CODE_MAX_BYTES = 100 * 1024
# A run that ends within this time is answered in the response itself; a longer one streams.
RUN_INLINE_WAIT_SECONDS = 0.3
# Checking a program takes more runs, one after the other; those not begun by then count as too slow.
RUN_CHECKS_SECONDS = 120
# After this long without an end something hangs: the program's own run and the last of its checks are over by
# then, each with its wait for a container. An exercise may give a run 60 s, whatever other programs get.
RUN_STALE_SECONDS = RUN_CHECKS_SECONDS + 2 * (SANDBOX_LEASE_WAIT_SECONDS + max(RUN_TIMEOUT_MAX, 60)) + 30
# How many runs may wait in all, and how many one learner may have waiting or running.
RUN_QUEUE_MAX = env.int("RUN_QUEUE_MAX", default=1000)
RUN_QUEUE_PER_LEARNER = env.int("RUN_QUEUE_PER_LEARNER", default=3)
RUN_WAIT_MAX_SECONDS = 900  # then a run that nobody took is closed, and its learner hears so

# --- Worker hosts ---------------------------------------------------------------------------------

WORKER_NAME = env.str("WORKER_NAME", default="")  # on the dashboard; empty: the machine's name
WORKER_HEARTBEAT_SECONDS = env.float("WORKER_HEARTBEAT_SECONDS", default=5)
# Without a heartbeat for this long a host's runs are given to another one. Several beats, so that neither a
# stall nor a restart of Redis looks like a death; far less than a learner's patience.
WORKER_LOST_SECONDS = env.float("WORKER_LOST_SECONDS", default=20)
# How long running programs may go on after the worker was asked to end. Docker and systemd must wait longer.
WORKER_STOP_SECONDS = env.float("WORKER_STOP_SECONDS", default=20)

# A file that worker and beat touch while they live, for whoever looks after their containers.
ALIVE_FILE = env.str("ALIVE_FILE", default="")

# --- Refuse what cannot be right ------------------------------------------------------------------

configuration.refuse(
    [
        *env.problems,
        *configuration.problems_anywhere(globals()),
        *(
            configuration.problems_in_development(globals())
            if DEBUG
            else configuration.problems_in_production(globals())
        ),
    ]
)
