"""Figures of a course: which files are taken, which are refused, and how they are served."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from lessons.models import Course, Image
from lessons.resolving import CourseLinks
from lessons.tests.course_files import Printed, import_lessons, make_book, make_png, write_files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def import_with(tmp_path: Path, markdown: str, files: dict[str, str | bytes]) -> Printed:
    folder = make_book(tmp_path, f"# Chapter 1: Book\n\n{markdown}\n")
    write_files(folder, files)
    return import_lessons(folder)


@pytest.mark.parametrize(
    "markdown",
    [
        "![x](images/sub/a b.png)".replace(" ", "%20"),
        "![x](<images/sub/a b.png> 'title')",
        '<div align="center"><img src="./images/sub/a b.png" width="90%"/></div>',
        "![x](/images/sub/a%20b.png)",
        "![x](https://raw.githubusercontent.com/someone/book/main/docs/images/sub/a%20b.png)",
        "[![x](images/sub/a%20b.png)](https://example.org)",
        "![x][f]\n\n[f]: images/sub/a%20b.png",
    ],
)
def test_a_figure_is_found_stored_and_served(
    tmp_path: Path, media: Path, client: Client, markdown: str
) -> None:
    content = make_png(40, 30)

    printed = import_with(tmp_path, markdown, {"images/sub/a b.png": content})

    assert printed.warnings == []
    image = Image.objects.get()
    digest = hashlib.sha256(content).hexdigest()
    assert (image.path, image.digest) == ("images/sub/a b.png", digest)
    assert (image.width, image.height, image.content_type) == (40, 30, "image/png")
    assert (media / "images" / f"{digest}.png").read_bytes() == content
    response = client.get(f"/images/{digest}.png")
    assert response.content == content
    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("image_format", "extension"), [("JPEG", "jpg"), ("GIF", "gif"), ("WEBP", "webp")])
def test_kinds_are_told_from_the_bytes(
    tmp_path: Path, client: Client, image_format: str, extension: str
) -> None:
    content = make_png(image_format=image_format)

    import_with(tmp_path, "![x](images/misnamed.png)", {"images/misnamed.png": content})

    response = client.get(reverse("lesson-image", args=[Image.objects.get().digest, extension]))
    assert response.content == content


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is SVG, which can carry scripts."),
        ("a.png", b"<html><script>alert(1)</script>", "is not a sound image"),
        ("a.png", make_png(64, 64)[:-200], "is not a sound image"),
        ("a.jpg", make_png(64, 64, image_format="JPEG")[:-200], "is not a sound image"),
        ("a.bmp", make_png(image_format="BMP"), "is not a sound image"),
        ("a.png", b"", "is not a sound image"),
        ("a.png", b"\0" * (10 * 1024 * 1024 + 1), "is larger than 10 MB."),
    ],
)
def test_unsound_files_are_refused(tmp_path: Path, media: Path, name: str, content: bytes, what: str) -> None:
    printed = import_with(tmp_path, f"![x]({name})", {name: content})

    [warning] = printed.warnings
    assert warning.startswith(f"book.md:3: shows {name}, which {what}")
    assert printed.counts("images") == {"skipped": 1}
    assert not Image.objects.exists()
    assert not media.exists()


def test_an_image_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    # 8000 × 8000 pixels of one colour take a few kilobytes.
    import PIL.Image

    PIL.Image.new("1", (8000, 8000)).save(tmp_path / "wide.png")

    printed = import_with(tmp_path, "![x](a.png)", {"a.png": (tmp_path / "wide.png").read_bytes()})

    assert "has 8000 × 8000 pixels. Scale it below 40 million pixels." in printed.warnings[0]


def test_a_broken_image_keeps_what_was_there(tmp_path: Path) -> None:
    import_with(tmp_path, "![x](a.png)", {"a.png": make_png(8, 6)})
    before = Image.objects.get()

    printed = import_with(tmp_path, "![x](a.png)", {"a.png": b"broken"})

    assert Image.objects.get().digest == before.digest
    assert printed.counts("images") == {"skipped": 1}


def test_a_changed_image_gets_a_new_address(tmp_path: Path) -> None:
    import_with(tmp_path, "![x](a.png)", {"a.png": make_png(8, 6)})
    before = Image.objects.get()

    printed = import_with(tmp_path, "![x](a.png)", {"a.png": make_png(10, 5)})

    after = Image.objects.get()
    assert after.pk == before.pk
    assert after.digest != before.digest
    assert (after.width, after.height) == (10, 5)
    assert printed.counts("images") == {"updated": 1}


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_lost_or_half_written_file_is_restored(tmp_path: Path, media: Path, damage: str) -> None:
    content = make_png(64, 64)
    import_with(tmp_path, "![x](a.png)", {"a.png": content})
    [stored] = (media / "images").iterdir()
    stored.unlink()
    if damage == "cut short":
        stored.write_bytes(content[:100])

    printed = import_with(tmp_path, "![x](a.png)", {"a.png": content})

    assert stored.read_bytes() == content
    assert "Nothing changed" in printed.out


def test_dry_run_stores_no_file(tmp_path: Path, media: Path) -> None:
    folder = make_book(tmp_path, "# Chapter 1: Book\n\n![x](a.png)\n")
    write_files(folder, {"a.png": make_png()})

    assert import_lessons(folder, dry_run=True).counts("images") == {"created": 1}
    assert not media.exists()


def test_an_image_no_longer_shown_goes_with_prune_only(tmp_path: Path) -> None:
    import_with(tmp_path, "![x](a.png)", {"a.png": make_png()})
    folder = make_book(tmp_path, "# Chapter 1: Book\n\nNo figure.\n")

    assert import_lessons(folder).counts("images") == {"skipped": 1}
    assert Image.objects.exists()
    assert import_lessons(folder, prune=True).counts("images") == {"removed": 1}
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        f"/images/{'0' * 64}.png",
        "/images/secret.png",
        f"/images/{'0' * 64}.svg",
        f"/images/..%2f{'0' * 61}.png",
        f"/images/{'A' * 64}.png",
    ],
)
def test_other_addresses_are_not_found(client: Client, media: Path, address: str) -> None:
    write_files(media / "images", {"secret.png": b"secret"})

    assert client.get(address).status_code == 404


def test_an_image_already_held_is_not_sent_again(tmp_path: Path, client: Client) -> None:
    import_with(tmp_path, "![x](a.png)", {"a.png": make_png()})
    url = reverse("lesson-image", args=[Image.objects.get().digest, "png"])

    etag = client.get(url)["ETag"]

    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert client.post(url).status_code == 405
    assert not django_settings.DEBUG  # served in production, too


def test_pages_find_the_figure_by_every_spelling(tmp_path: Path) -> None:
    import_with(tmp_path, "![x](images/a.png)", {"images/a.png": make_png(40, 30)})
    resolver = CourseLinks(Course.objects.get(), "en").for_source("sub/other.md")
    image = Image.objects.get()

    for address in ("../images/a.png", "/images/a.png", "https://example.org/repo/raw/main/images/a.png"):
        file = resolver.image(address)
        assert file is not None
        assert (file.url, file.width, file.height) == (f"/images/{image.digest}.png", 40, 30)
    for address in ("images/a.png", "../../images/a.png", "https://example.org/a.png", "http://[", "data:,x"):
        assert resolver.image(address) is None
