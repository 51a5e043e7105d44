"""The project package: settings, URLs, processes, the user model. Nobody imports it from below."""

from helloagents.celery import app as celery_app
from helloagents.parsing import make_safe_for_threads

make_safe_for_threads()

__all__ = ["celery_app"]
