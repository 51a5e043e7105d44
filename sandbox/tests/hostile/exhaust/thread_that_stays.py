# The main thread ends, another does not.
# outcome: timeout
# seconds: 0.3
import threading

threading.Thread(target=threading.Event().wait).start()
