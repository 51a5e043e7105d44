# A folder that even its owner may not enter, with something in it.
# container: replaced
import os

os.mkdir("/tmp/locked")
os.mkdir("/tmp/locked/in")
os.chmod("/tmp/locked", 0)
