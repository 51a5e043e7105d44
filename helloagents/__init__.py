"""The project package: settings, URLs, processes, the user model. Nobody imports it from below."""

from helloagents.celery import app as celery_app

__all__ = ["celery_app"]
