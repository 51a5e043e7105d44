# Bytes that are no text, and never a newline.
# outcome: output_limit
import sys

while True:
    sys.stdout.buffer.write(bytes(range(128, 256)) * 64)
