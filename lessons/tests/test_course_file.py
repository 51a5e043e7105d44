"""course.toml: what a course says about running its programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from lessons.models import Course
from lessons.tests.course_files import import_lessons, make_course, write_files

pytestmark = pytest.mark.django_db

COURSE_FILE = """\
image = "python"
packages = ["six==1.17.0", "uvicorn[standard]==0.54.0"]
code_policy = "block"
"""


def make_course_with(tmp_path: Path, text: str) -> Path:
    folder = make_course(tmp_path)
    write_files(folder, {"course.toml": text})
    return folder


def test_a_course_names_its_image_packages_and_policy(tmp_path: Path) -> None:
    folder = make_course_with(tmp_path, COURSE_FILE)

    assert import_lessons(folder).warnings == []
    course = Course.objects.get()
    assert (course.image, course.code_policy) == ("python", "block")
    assert course.packages.splitlines() == ["six==1.17.0", "uvicorn[standard]==0.54.0"]
    assert "Nothing changed" in import_lessons(folder).out


def test_without_the_file_a_course_is_for_agents_and_what_an_operator_set_stays(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    course = Course.objects.get()
    assert (course.image, course.packages, course.code_policy) == ("agent", "", "warn")

    Course.objects.update(code_policy="off", packages="six==1.17.0")
    write_files(folder, {"course.toml": 'image = "python"\n'})
    assert "Imported the course" in import_lessons(folder).out
    course = Course.objects.get()
    assert (course.image, course.packages, course.code_policy) == ("python", "six==1.17.0", "off")


def test_a_dry_run_only_tells(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    write_files(folder, {"course.toml": 'image = "python"\n'})

    assert "Nothing was written: a dry run" in import_lessons(folder, dry_run=True).out
    assert Course.objects.get().image == "agent"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('\nimage = "cobol"\n', "course.toml:2: sets image to 'cobol'. Use one of python, agent;"),
        ('image = "python"\nimages = 1\n', "course.toml:2: sets images, which no course has. Use image,"),
        ("packages = 'six==1.17.0'", 'Give a list: packages = ["numpy==2.4.6"]; until then'),
        ('packages = ["six>=1.17"]', "“six>=1.17” is no package with its exact version"),
        ('packages = ["--index-url http://x"]', "is no package with its exact version"),
        ('packages = ["six @ http://x/six.whl"]', "is no package with its exact version"),
        ("code_policy = true", "course.toml:1: sets code_policy to True. Use one of off, warn, block;"),
        ('image = "python"\nimage', "course.toml:2: is not TOML ("),
    ],
)
def test_mistakes_are_told_and_change_nothing(tmp_path: Path, text: str, warning: str) -> None:
    import_lessons(make_course_with(tmp_path, 'code_policy = "off"\npackages = ["six==1.16.0"]\n'))
    [told] = import_lessons(make_course_with(tmp_path, text)).warnings

    assert warning in told
    course = Course.objects.get()
    assert (course.packages, course.code_policy) == ("six==1.16.0", "off")


def test_the_admin_takes_exact_versions_only() -> None:
    course = Course(slug="c", default_language="en", packages="six==1.17.0\n\nnumpy")
    with pytest.raises(ValidationError, match="“numpy” is no package with its exact version"):
        course.full_clean()
