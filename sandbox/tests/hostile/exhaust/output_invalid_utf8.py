# Beginnings of characters that are never finished, straight to the descriptor.
# outcome: output_limit
import os

while True:
    os.write(1, b"\xf0\x9f" * 4096)
