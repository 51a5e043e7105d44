# Another program floods, the first only waits.
# outcome: output_limit
import subprocess

subprocess.run(["yes"])
