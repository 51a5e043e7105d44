# Closes all it has been given and ends.
# outcome: failed
# code: 3
import os

os.closerange(0, 4096)
os._exit(3)
