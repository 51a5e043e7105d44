# Twenty of them, stopped or deaf to every signal, each in a session of its own.
# container: kept
import os
import signal
import time

for number in range(20):
    if os.fork() == 0:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        if number % 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        while True:
            time.sleep(100)
