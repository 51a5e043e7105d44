"""The settings under pytest: those of development, on services named by the environment or private ones.

So a bare `pytest` works; `make test` names PostgreSQL, Redis and a Docker engine.
"""

import atexit
import os
import tempfile
from contextlib import ExitStack
from urllib.parse import urlsplit

from deploy.dev import services
from deploy.dev.environment import find
from deploy.dev.processes import ROOT

_ours = ExitStack()
atexit.register(_ours.close)

os.environ.setdefault("DEBUG", "true")
# Tests ask more than any person; those of the limits set their own.
os.environ.setdefault("RATE_LIMITS", "off")
# Never a developer's own data, and each run its own.
if "VAR_DIR" not in os.environ:
    os.environ["VAR_DIR"] = _ours.enter_context(tempfile.TemporaryDirectory(prefix="helloagents-tests-"))
# Named after their content and never changed: shared with the developer's own site and between runs.
os.environ.setdefault("SANDBOX_PACKAGES_DIR", str(ROOT / "var" / "sandbox"))
_parallel = "PYTEST_XDIST_WORKER" in os.environ
if _parallel and find("redis-server"):
    # Tests empty their database; another worker's, or whatever else lives on a named server, is not theirs.
    os.environ["REDIS_URL"] = _ours.enter_context(services.redis())
elif _parallel and "REDIS_URL" in os.environ:
    # They share the server, not the data: gw0 has number 1, and so on.
    _number = int(os.environ["PYTEST_XDIST_WORKER"][2:]) + 1
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_number}").geturl()
elif "REDIS_URL" not in os.environ:
    service = services.redis if find("redis-server") else services.embedded_redis
    os.environ["REDIS_URL"] = _ours.enter_context(service())

from helloagents.settings import *  # noqa: E402, F403 - the environment comes first
from helloagents.settings import DATABASES, VAR_DIR  # noqa: E402 - as above

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # In memory two threads cannot write at once as they do in a file: SQLite refuses the second at once.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}

# As Django has it while tests run. What is loaded before, when they are collected, must be the same: the
# addresses of a site with DEBUG are others.
DEBUG = False
# A password is to cost an attacker time. Of the tests' own time it took more than half.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
