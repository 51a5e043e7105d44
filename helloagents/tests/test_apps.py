"""What a process is like once its apps are ready."""

from __future__ import annotations

from deploy.dev import services


def test_garbage_is_looked_for_but_not_among_what_was_loaded() -> None:
    tell = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 50_000)"
    env = {**services.plain_environment(), "DEBUG": "true", "REDIS_URL": "redis://127.0.0.1:1/0"}

    assert services.manage(env, "shell", "--no-imports", "-v0", "-c", tell).split() == ["True", "True"]
