"""manage.py record_script RUN: turn what a run was answered into a scripted model."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons.model_scripts import read_script
from lessons.toml_files import BadFile
from tutor.recording import script_of
from tutor.trace import steps_of


class Command(BaseCommand):
    help = "Prints a scripted model that answers as the models of a run did. Save it as NAME.model.toml."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", help="the id of the run, as in the address of its page")
        parser.add_argument("--name", default="recorded", help="the script's name (default: recorded)")
        parser.add_argument("--lesson", default="", help='the number of the lesson it is for, such as "4.2"')

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run_id = UUID(options["run"])
        except ValueError as error:
            raise CommandError(f"“{options['run']}” is no id of a run.") from error
        steps = steps_of(run_id)
        if not any(step["kind"] == "chat" for step in steps):
            raise CommandError("This run has called no model, or its trace is forgotten.")
        text = script_of(steps, name=options["name"], lesson=options["lesson"])
        try:
            read_script(text)
        except BadFile as error:
            raise CommandError(f"The trace makes no script that can be played:\n{error}") from error
        self.stdout.write(text, ending="")
