"""Caches in Redis, to which the process keeps its connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

log = structlog.get_logger(__name__)


class OneClient(RedisCacheClient):
    """A client for all operations; Django makes a new one for each, which takes longer than to ask Redis."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._only = super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._only


@cache
def _client_of_process(*servers: str, **options: Any) -> OneClient:
    """For all threads. By itself Django connects anew for each thread: under ASGI for each request."""
    return OneClient(servers, **options)


class SharedRedisCache(RedisCache):
    """Django's Redis cache, with one client for the process."""

    _servers: list[str]  # set by Django, and missing in its stubs
    _options: dict[str, Any]

    @cached_property
    def _cache(self) -> OneClient:
        return _client_of_process(*self._servers, **self._options)


class Counters(SharedRedisCache):
    """A cache of numbers that are counted for a time."""

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """With one question to Redis, where Django asks first whether there is such a number."""
        name = self.make_and_validate_key(key, version=version)
        with self._cache.get_client().pipeline(transaction=False) as pipe:
            pipe.incrby(name, delta)
            pipe.ttl(name)
            number, seconds = pipe.execute()
        if seconds < 0:  # whatever is counted here ends: this number was made just now
            self.delete(key, version=version)
            raise ValueError(f"Nothing is counted as {key!r}.")
        return int(number)


class OptionalRedisCache(SharedRedisCache):
    """A cache that may be away: then everything is a miss and the site goes on, only slower."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _or_else(default, super().get, key, default, version)

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = _or_else({}, super().get_many, keys, version)
        return found

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        _or_else(None, super().set, key, value, timeout, version)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        # True, as if the key had been free: who counts sign-ins or codes that were used by it lets people in.
        return bool(_or_else(True, super().add, key, value, timeout, version))

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(_or_else(False, super().touch, key, timeout, version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(_or_else(False, super().delete, key, version))

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return bool(_or_else(False, super().has_key, key, version))


def _or_else(answer: Any, method: Callable[..., Any], *args: Any) -> Any:
    """What the method says, or `answer` when Redis is away."""
    try:
        return method(*args)
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing=method.__name__, error=str(error))
        return answer
