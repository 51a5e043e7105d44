"""A site in one file: its database as it was at one moment, and the files of its courses.

The database's own tools write and read it (SQLite's backup, pg_dump and pg_restore), so that nothing is lost
on the way: a backup is for a site on the same kind of database. Secrets stay encrypted in it; the keys to
them are in the environment, and have to be kept beside it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

FORMAT = 1
MANIFEST, DATABASE, MEDIA = "manifest.json", "database", "media"


class BackupRefused(Exception):
    """The message says why, in words for an operator."""


@dataclass(frozen=True)
class Manifest:
    format: int
    made_at: str
    vendor: str  # of the database: "sqlite" or "postgresql"
    migrations: list[str]  # "app.name", those applied


def write_backup(path: Path) -> Manifest:
    """Write the site to `path`, whole or not at all. Raises BackupRefused; OSError, say of a full disk."""
    if not path.parent.is_dir():
        raise BackupRefused(f"There is no folder {path.parent}. Make it first.")
    if path.is_dir():
        raise BackupRefused(f"{path} is a folder. Name the file to write.")
    applied = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
    manifest = Manifest(FORMAT, timezone.now().isoformat(), connection.vendor, applied)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        draft = Path(folder)
        _dump(draft / DATABASE)
        (draft / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
        with tarfile.open(draft / "backup.tar", "w") as archive:
            archive.add(draft / MANIFEST, MANIFEST)
            archive.add(draft / DATABASE, DATABASE)
            # After the database: files of courses are named by their content, so none changes meanwhile.
            if settings.MEDIA_ROOT.is_dir():
                archive.add(settings.MEDIA_ROOT, MEDIA)
        (draft / "backup.tar").chmod(0o600)
        (draft / "backup.tar").replace(path)
    return manifest


def read_backup(path: Path, *, force: bool = False) -> Manifest:
    """Put the site back as it was. Raises BackupRefused; then nothing has changed.

    A database that holds accounts is replaced with `force` alone.
    """
    if not path.is_file():
        raise BackupRefused(f"There is no file {path}.")
    with tempfile.TemporaryDirectory(prefix="helloagents-restore-") as folder:
        try:
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
            manifest = Manifest(**json.loads((Path(folder) / MANIFEST).read_text()))
        except PermissionError as error:
            raise BackupRefused(f"{path} may not be read by this user.") from error
        except (OSError, tarfile.TarError, ValueError, TypeError) as error:
            raise BackupRefused(f"{path} is no backup of a site: {error}") from error
        _refuse_mismatch(manifest)
        if not force and _holds_accounts():
            raise BackupRefused("The database holds accounts. To replace all of it say --force.")
        connection.close()
        _load(Path(folder) / DATABASE)
        if (Path(folder) / MEDIA).is_dir():
            shutil.copytree(Path(folder) / MEDIA, settings.MEDIA_ROOT, dirs_exist_ok=True)
    return manifest


def _refuse_mismatch(manifest: Manifest) -> None:
    if manifest.format != FORMAT:
        raise BackupRefused(f"The backup is of format {manifest.format}; this version reads {FORMAT}.")
    if manifest.vendor != connection.vendor:
        raise BackupRefused(f"The backup is of {manifest.vendor}, this site is on {connection.vendor}.")
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if newer := sorted(set(manifest.migrations) - known):
        raise BackupRefused(f"The backup is of a newer version, which has {newer[-1]}. Install that one.")


def _holds_accounts() -> bool:
    table = settings.AUTH_USER_MODEL.replace(".", "_").lower()
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - our own name
        return cursor.fetchone() is not None


# --- Of each kind of database -----------------------------------------------------------------------


def _dump(path: Path) -> None:
    if connection.vendor == "sqlite":
        _copy_sqlite(settings.DATABASES["default"]["NAME"], path)
    else:
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")


def _load(path: Path) -> None:
    if connection.vendor == "sqlite":
        _copy_sqlite(path, settings.DATABASES["default"]["NAME"])
        return
    # What the backup has not got must go, too; one transaction, so that a failure changes nothing.
    options = (
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
    )
    _run("pg_restore", *options, f"--dbname={settings.DATABASES['default']['NAME']}", path)


def _copy_sqlite(source: Any, target: Any) -> None:
    """As it is at one moment, also while somebody writes."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _run(tool: str, *options: str | Path) -> None:
    database = settings.DATABASES["default"]
    variables = {
        "PGDATABASE": database["NAME"],
        "PGHOST": database["HOST"],
        "PGPORT": str(database["PORT"]),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
    }
    found = shutil.which(tool)
    if found is None:
        raise BackupRefused(
            f"{tool} is missing. It comes with PostgreSQL's client (Debian: postgresql-client)."
        )
    env = {"PATH": str(Path(found).parent), **{name: value for name, value in variables.items() if value}}
    done = subprocess.run([found, *options], env=env, capture_output=True, text=True)  # noqa: S603 - by its path
    if done.returncode:
        raise BackupRefused(f"{tool} failed: {done.stderr.strip()[-1000:]}")
