"""A small shop that fails in every way the suite asks for."""

from shop.celery import app as celery_app

__all__ = ["celery_app"]
