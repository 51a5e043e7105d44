# Objects that come back to life, start processes and print while the program is wound up.
# outcome: ok
# container: kept
import os


class Phoenix:
    def __del__(self):
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
        print("still here")


phoenix = Phoenix()
