"""Settings as a team would write them; what differs between runs comes from the environment.

SHOP_PII=1 turns send_default_pii on, SHOP_SDK_SCRUBS=0 turns the SDK's own scrubber off, so that the server has to do
all of it. SHOP_TRACES is the share of transactions that are sent, SHOP_HOSTS the host names that the shop answers to. SENTRY_DSN
is read by the SDK itself.
"""

import logging
import os

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.scrubber import EventScrubber

SECRET_KEY = "not-a-secret-of-anybody"
DEBUG = False
ALLOWED_HOSTS = os.environ.get("SHOP_HOSTS", "*").split(",")
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
CELERY_BROKER_URL = os.environ.get("SHOP_BROKER", "redis://127.0.0.1:6379/0")
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False


def before_send(event, hint):
    """Says which shop it was; errors nobody can act on are not sent."""
    error = hint.get("exc_info", (None, None, None))[1]
    if isinstance(error, BrokenPipeError):
        return None
    event.setdefault("tags", {})["shop"] = "riga"
    return event


sentry_sdk.init(
    integrations=[
        DjangoIntegration(transaction_style="url"),
        CeleryIntegration(),
        LoggingIntegration(level=logging.INFO, event_level=logging.ERROR),
    ],
    environment="e2e",
    release="shop@1.4.2",
    server_name="shop-1",
    attach_stacktrace=True,
    traces_sample_rate=float(os.environ.get("SHOP_TRACES", "0")),
    send_default_pii=os.environ.get("SHOP_PII") == "1",
    event_scrubber=None if os.environ.get("SHOP_SDK_SCRUBS", "1") == "1" else EventScrubber([], pii_denylist=[]),
    before_send=before_send,
)
