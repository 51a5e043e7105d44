# Never takes leave of its ended children.
# outcome: process_limit
import os

while True:
    if os.fork() == 0:
        os._exit(0)
