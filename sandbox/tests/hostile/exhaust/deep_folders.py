# A path too long for any call that takes one.
# container: replaced
import os

os.chdir("/tmp")
for _ in range(500):
    os.mkdir("d")
    os.chdir("d")
