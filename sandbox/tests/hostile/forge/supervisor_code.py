# Replaces what the forked code still has to call: the process must end all the same.
# outcome: ok or failed or timeout
# seconds: 0.3
import os
import sys


def refuse(*arguments, **options):
    raise KeyboardInterrupt


os._exit = refuse
sys.exit = refuse
os.write = refuse
