# Every process that may be made spins, so that the supervisor hardly gets the processor.
# outcome: timeout
# seconds: 0.3
import os

try:
    while os.fork() == 0:
        pass
except OSError:
    pass
while True:
    pass
