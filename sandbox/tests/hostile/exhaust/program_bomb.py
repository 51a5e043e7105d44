# Starts other programs without end.
# outcome: process_limit
import subprocess

while True:
    subprocess.Popen(["sleep", "60"])
