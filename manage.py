#!/usr/bin/env python
"""Django's command line, with the project's settings."""

import os
import sys

from django.core.management import execute_from_command_line

from helloagents.configuration import Refused

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helloagents.settings")
    try:
        execute_from_command_line(sys.argv)
    except Refused as refusal:
        sys.exit(str(refusal))
