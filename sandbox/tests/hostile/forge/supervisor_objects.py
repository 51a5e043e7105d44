# Clears every object that the garbage collector knows of.
# container: kept
import gc

for thing in gc.get_objects():
    try:
        thing.clear()
    except Exception:
        pass
