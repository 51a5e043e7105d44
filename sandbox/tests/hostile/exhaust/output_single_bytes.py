# Changes the stream with every byte, so that nothing can be joined.
# outcome: output_limit
import sys

while True:
    sys.stdout.write("o")
    sys.stderr.write("e")
