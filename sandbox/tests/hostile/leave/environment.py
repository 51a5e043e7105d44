# outcome: ok or failed
# Changes whatever a Python process has in common with the next one, if there is one.
# container: kept
import builtins
import json
import os
import resource
import signal
import sys

os.environ["LEFT"] = "left"
sys.path.insert(0, "/tmp/left")
json.left = builtins.left = sys.left = "left"
json.dumps = json.loads = builtins.print = builtins.len = builtins.open = lambda *a, **k: "left"
sys.modules["left"] = sys.modules["random"] = json
sys.setrecursionlimit(200)
os.umask(0o777)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
os.nice(19)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.stdout.close()
