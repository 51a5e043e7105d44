# Shared memory and semaphores by the standard library, registered with nobody.
# container: kept
import multiprocessing
from multiprocessing import resource_tracker, shared_memory

resource_tracker.register = lambda *arguments: None
kept = [shared_memory.SharedMemory(f"left-{number}", create=True, size=4096) for number in range(5)]
kept[0].buf[0] = 1
multiprocessing.get_context("fork").Semaphore(1)
