# Becomes another program; its exit code is the run's.
# outcome: failed
# code: 4
import os

os.execv("/bin/sh", ["sh", "-c", "exit 4"])
