# A command line and an environment of megabytes.
# prints: Argument list too long, Argument list too long
import os
import subprocess

found = []
for arguments, environment in ((["true", *["x" * 100_000] * 100], {}), (["true"], {"X" * 9: "y" * 10**7})):
    try:
        subprocess.run(arguments, env=environment)
    except OSError as error:
        found.append(os.strerror(error.errno))
print(", ".join(found))
