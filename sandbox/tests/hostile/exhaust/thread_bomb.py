# Starts threads without end.
# outcome: process_limit
import threading

while True:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
