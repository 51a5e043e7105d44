# Every process doubles itself until there is no room for more.
# outcome: process_limit
import os

try:
    while True:
        os.fork()
except OSError:
    os._exit(1)
