"""Images: what programs find installed, on both engines; pools for several of them within one maximum."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
from pytest_django import Settings

from sandbox.engines import Engine, Limits
from sandbox.engines.bubblewrap import Bubblewrap
from sandbox.engines.docker import DockerEngine, images
from sandbox.errors import EngineUnavailable, ImageFailed, ImageMissing
from sandbox.execution import RunEvent, Started
from sandbox.image import AGENT, PYTHON, Image, context, packages, with_packages
from sandbox.image.building import build_images
from sandbox.pool import Pool
from sandbox.pools import Pools
from sandbox.tests.conftest import Finished, run

# --- The image for agents -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def agent_pool(engine: Engine, missing: Callable[[str], NoReturn]) -> Iterator[Pool]:
    try:
        engine.check(AGENT)
    except ImageMissing as error:
        missing(str(error))
    pool = Pool(engine, limits=Limits.from_settings(AGENT), initial=1, minimum=1, maximum=1, image=AGENT)
    yield pool
    pool.close()


def test_what_an_agent_needs_is_imported_ahead(agent_pool: Pool) -> None:
    code = """
import sys
ready = sorted({"openai", "dotenv", "pydantic", "numpy", "requests"} & set(sys.modules))
before = set(sys.modules)
import openai
client = openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", max_retries=0)
try:
    client.chat.completions.create(model="none", messages=[{"role": "user", "content": "hi"}])
except openai.APIConnectionError:
    print(ready, sorted(set(sys.modules) - before))
"""
    ready, _, later = run(agent_pool, code).stdout.partition("] ")
    assert ready == "['dotenv', 'numpy', 'openai', 'pydantic', 'requests'"
    assert len(later.split(",")) < 5, later


def test_packages_work(agent_pool: Pool) -> None:
    code = """
import io, subprocess, sys
import numpy
from dotenv import dotenv_values
from pydantic import BaseModel
class Point(BaseModel):
    x: int
print(numpy.linalg.norm([3.0, 4.0]), Point(x="3"), dotenv_values(stream=io.StringIO("A=1"))["A"])
subprocess.run([sys.executable, "-c", "import requests; print('also in a process of its own')"])
"""
    assert run(agent_pool, code).stdout == "5.0 x=3 1\nalso in a process of its own\n"


def test_packages_of_one_run_are_not_changed_for_the_next(agent_pool: Pool) -> None:
    run(agent_pool, "import openai, numpy; openai.OpenAI = None; numpy.pi = 3; del numpy.array")

    code = "import openai, numpy; print(openai.OpenAI is None, numpy.pi, hasattr(numpy, 'array'))"
    assert run(agent_pool, code).stdout == "False 3.141592653589793 True\n"


def test_packages_cannot_be_written_to(agent_pool: Pool) -> None:
    code = """
import openai, os, pathlib
for path in (pathlib.Path(openai.__file__), pathlib.Path(openai.__file__).with_name("new.py")):
    try: path.write_text("x")
    except OSError as error: print(type(error).__name__ in ("OSError", "PermissionError"))
"""
    assert run(agent_pool, code).stdout == "True\nTrue\n"


def test_the_agent_image_has_twice_the_memory(agent_pool: Pool, pool: Pool) -> None:
    megabyte = 1024 * 1024
    assert (pool.limits.memory, agent_pool.limits.memory) == (128 * megabyte, 256 * megabyte)

    take = "block = bytearray({} * 1024 * 1024); print(len(block))"
    assert run(agent_pool, take.format(140)).outcome == "ok"
    assert run(agent_pool, take.format(256)).outcome == "memory"


def test_plain_python_has_no_packages_and_nothing_of_the_platform(pool: Pool) -> None:
    code = """
import importlib.util
print([name for name in ("openai", "numpy", "django", "celery") if importlib.util.find_spec(name)])
"""
    assert run(pool, code).stdout == "[]\n"


def test_the_agent_image_has_nothing_of_the_platform(agent_pool: Pool) -> None:
    code = "import importlib.util as u; print([n for n in ('django', 'celery', 'docker') if u.find_spec(n)])"
    assert run(agent_pool, code).stdout == "[]\n"


# --- A course's own packages ----------------------------------------------------------------------


def test_packages_make_an_image_that_is_known_by_them() -> None:
    one = with_packages(AGENT, "six==1.17.0\nattrs==26.1.0\n")

    assert one == with_packages(AGENT, "attrs==26.1.0\r\n\n  six==1.17.0")
    assert one != with_packages(AGENT, "six==1.17.0")
    assert one != with_packages(PYTHON, "six==1.17.0\nattrs==26.1.0")
    assert with_packages(AGENT, " \n") is AGENT
    assert [layer.name for layer in one.layers()] == [one.name, "agent"]
    assert context.digest(one) != context.digest(AGENT) != context.digest(PYTHON)


@pytest.fixture
def small_image(settings: Settings, tmp_path: Path) -> Image:
    """An image with a package, made here as pip would have, so that no network is needed."""
    settings.SANDBOX_PACKAGES_DIR = tmp_path
    image = with_packages(PYTHON, "greeting==1.0")
    folder = packages.folder_of(image, packages.Target.own())
    folder.mkdir()
    (folder / "greeting.py").write_text("TEXT = 'from a package'\n")
    return image


@pytest.mark.bubblewrap
def test_a_missing_package_folder_is_told_with_the_way_to_fetch_it(
    settings: Settings, tmp_path: Path
) -> None:
    settings.SANDBOX_PACKAGES_DIR = tmp_path
    with pytest.raises(ImageMissing, match=r"image agent .*manage\.py build_sandbox_image"):
        Bubblewrap().check(AGENT)


@pytest.mark.bubblewrap
def test_a_course_s_package_is_found_under_bubblewrap(small_image: Image) -> None:
    engine = Bubblewrap()
    engine.check(small_image)
    pool = Pool(engine, limits=Limits.from_settings(), initial=1, maximum=1, image=small_image)
    try:
        assert run(pool, "import greeting; print(greeting.TEXT)").stdout == "from a package\n"
    finally:
        pool.close()


@pytest.mark.docker
def test_a_course_s_package_is_a_layer_under_docker(small_image: Image, settings: Settings) -> None:
    settings.SANDBOX_ENGINE = "docker"
    engine = DockerEngine()
    version, machine = images.ask(
        engine.client,
        settings.SANDBOX_IMAGE,
        "import sys, platform; print('%d.%d' % sys.version_info[:2], platform.machine())",
    ).split()
    own = packages.folder_of(small_image, packages.Target.own())
    of_image = packages.folder_of(small_image, packages.Target(version, machine))
    if own != of_image:
        own.rename(of_image)
    told: list[str] = []
    with pytest.raises(ImageMissing, match="no image"):
        engine.check(small_image)
    try:
        build_images([small_image], tell=told.append)
        assert told
        told.clear()
        build_images([small_image], tell=told.append)
        assert told == []  # up to date
        engine.check(small_image)
        pool = Pool(engine, limits=Limits.from_settings(), initial=1, maximum=1, image=small_image)
        try:
            assert run(pool, "import greeting; print(greeting.TEXT)").stdout == "from a package\n"
        finally:
            pool.close()
    finally:
        engine.client.remove_image(images.reference(small_image), force=True)


def test_what_pip_cannot_fetch_is_told_and_leaves_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX_PACKAGES_DIR = tmp_path
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "1" if name == "PIP_NO_INDEX" else str(tmp_path))
    with pytest.raises(ImageFailed, match=r"(?s)could not fetch.*greeting==1\.0.*build again"):
        packages.fetch(with_packages(PYTHON, "greeting==1.0"), packages.Target.own(), tell=lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_images_are_named_after_the_plain_one(settings: Settings) -> None:
    settings.SANDBOX_IMAGE = "registry:5000/sandbox:python"
    assert images.reference(PYTHON) == "registry:5000/sandbox:python"
    assert images.reference(AGENT) == "registry:5000/sandbox:agent"
    settings.SANDBOX_IMAGE = "sandbox:test"
    assert images.reference(AGENT) == "sandbox:test-agent"


# --- Pools ----------------------------------------------------------------------------------------

OTHER = Image("other", base=PYTHON)  # without packages: the same to bubblewrap, another to the pools
THIRD = Image("third", base=PYTHON)


@pytest.fixture
def make_pools() -> Iterator[Callable[[Engine], Pools]]:
    made: list[Pools] = []

    def make(engine: Engine) -> Pools:
        made.append(Pools(engine))
        return made[-1]

    yield make
    for pools in made:
        pools.close()


def run_in(pools: Pools, image: Image, code: str = "print('ran')", **options: object) -> Finished:
    return run(pools, code, image=image, **options)  # type: ignore[arg-type] # as good as a pool to `run`


@pytest.mark.bubblewrap
def test_an_idle_container_makes_room_for_another_image(
    make_pools: Callable[[Engine], Pools], settings: Settings
) -> None:
    settings.SANDBOX_POOL_MAX = settings.SANDBOX_POOL_INITIAL = 2
    settings.SANDBOX_POOL_MIN = 1
    pools = make_pools(Bubblewrap())
    pools.warm([PYTHON])
    pools.wait_until_filled(20)
    for image in (OTHER, THIRD, PYTHON, OTHER):
        assert run_in(pools, image).stdout == "ran\n"
        assert pools.stats()["total_containers"] <= 2
    assert set(pools.stats()["images"]) == {"python", "other", "third"}


@pytest.mark.bubblewrap
def test_a_busy_pool_yields_to_one_that_has_nothing(
    make_pools: Callable[[Engine], Pools], settings: Settings
) -> None:
    settings.SANDBOX_POOL_MAX = 1
    pools = make_pools(Bubblewrap())
    begun = threading.Event()

    def note(event: RunEvent) -> None:
        if isinstance(event, Started):
            begun.set()

    with ThreadPoolExecutor(8) as threads:
        slow = "import time; time.sleep(0.2)"
        many = [threads.submit(run_in, pools, PYTHON, slow, on_event=note) for _ in range(6)]
        assert begun.wait(20)
        other = threads.submit(run_in, pools, OTHER)
        assert other.result(timeout=20).stdout == "ran\n"
        waiting = [each for each in many if not each.done()]
        assert waiting  # it did not have to be last
        assert {each.result(timeout=20).outcome for each in many} == {"ok"}


@pytest.mark.bubblewrap
def test_a_missing_image_is_replaced_by_what_it_stands_on(
    make_pools: Callable[[Engine], Pools], settings: Settings, tmp_path: Path
) -> None:
    settings.SANDBOX_PACKAGES_DIR = tmp_path
    pools = make_pools(Bubblewrap())

    assert run_in(pools, AGENT).stdout == "ran\n"
    assert "ModuleNotFoundError: No module named 'openai'" in run_in(pools, AGENT, "import openai").stderr
    assert set(pools.stats()["images"]) == {"python"}
    assert "build_sandbox_image" in pools.stats()["message"]


@pytest.mark.bubblewrap
def test_the_first_image_is_warmed_most(make_pools: Callable[[Engine], Pools], settings: Settings) -> None:
    settings.SANDBOX_POOL_INITIAL, settings.SANDBOX_POOL_MIN = 3, 1
    pools = make_pools(Bubblewrap())
    pools.warm([OTHER, PYTHON])
    pools.wait_until_filled(20)

    counts = {name: figures["total_containers"] for name, figures in pools.stats()["images"].items()}
    assert counts == {"other": 3, "python": 1}
    assert pools.stats()["available_containers"] == 4


class NoEngine(Bubblewrap):
    def check(self, image: Image = PYTHON) -> None:
        raise EngineUnavailable("gone")


def test_an_engine_that_is_away_is_no_missing_image(make_pools: Callable[[Engine], Pools]) -> None:
    with pytest.raises(EngineUnavailable, match="gone"):
        run_in(make_pools(NoEngine()), AGENT)
