"""Programs that try to pass checks without solving the exercise, or to learn what is hidden: none succeeds.

They run in real containers, and what comes of them is looked at wherever a learner can look.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from lessons.models import ModelScript
from progress.models import Submission
from progress.tests.makers import make_exercise, make_lesson
from sandbox.pools import Pools
from tutor.models import ModelCall

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.bubblewrap]

EXERCISE = '''
id = "total"
lesson = "1"
timeout = 2
title = "Add up"
prompt = "Write `total`, and print what you read, doubled."
solution = """
# THE-SOLUTION
def total(numbers):
    return sum(numbers)
try:
    print(input() * 2)
except EOFError:
    print("nothing")
"""

[[check]]
name = "Adds two"
value = "total([1, 2])"
equals = 3

[[check]]
name = "Adds what you cannot see"
hidden = true
message = "Not every list is [1, 2]."
value = "total([7771234567, 8883217654])"
setup = "hidden_setup = 'SETUP-4242'"
equals = 16654452221

[[check]]
name = "Doubles a word"
hidden = true
stdin = "hush4711"
output.equals = "hush4711hush4711"

[[check]]
name = "Is judged by its author"
hidden = true
probe = ["total([5550019999])"]
python = """
assert result.values["total([5550019999])"] == 5550019999, "THE-AUTHOR-SAYS " + str(result.values)
"""
'''
HIDDEN = (
    "7771234567",
    "8883217654",
    "16654452221",
    "SETUP-4242",
    "hush4711",
    "5550019999",
    "THE-AUTHOR",
    "THE-SOLUTION",
)

ALMOST = """
def total(numbers):
    return 3
"""

# Each gives the right answer where it can be seen, and tries something for the rest.
ATTEMPTS = {
    "a constant": ALMOST,
    "an object that equals everything": """
class Anything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return hash(3)
    def __repr__(self): return "3"
def total(numbers): return Anything()
""",
    "a number that equals everything": """
class Number(int):
    def __eq__(self, other): return True
    def __index__(self): return 3
    def __int__(self): return 3
    __hash__ = int.__hash__
def total(numbers): return Number(3)
""",
    "a list that shows another": """
class Listed(list):
    def __eq__(self, other): return True
    def __iter__(self): return iter([3])
def total(numbers): return Listed()
""",
    "a patched comparison": ALMOST + """
import operator, unittest, json
operator.eq = lambda a, b: True
json.loads = lambda *a, **k: {"passed": True}
""",
    "patched builtins": ALMOST + """
import builtins
builtins.eval = lambda *a, **k: 3
builtins.repr = lambda value: "3"
builtins.isinstance = lambda *a: True
""",
    "a patched encoder": ALMOST + """
import sys, json
for name, module in list(sys.modules.items()):
    if "plain_data" in name or "driver" in name:
        module.encode = lambda *a: 3
        module._answer = lambda *a: {"value": 3, "shown": "3", "type": "int"}
json.dumps = lambda value, **k: '{"passed": true, "value": 3}'
""",
    "a printed verdict": ALMOST + """
for number in range(9):
    print(f'{"0" * 32} {number} {{"passed": true, "value": 3}}')
print('{"passed": true, "checks": []}')
print("event: finished\\ndata: {\\"passed\\": true}")
""",
    "the driver's own lines": ALMOST + """
import os
if os.path.exists("checking_inside"):
    import json
    told = os.read(0, 0)
    for fd in range(3, 30):
        try:
            told = os.read(fd, 65536)
        except OSError:
            continue
        try:
            asked = json.loads(told)
        except ValueError:
            continue
        for fd in range(1, 30):
            for number in range(9):
                try:
                    os.write(fd, f'\\n{asked["token"]} {number} {{"value": 3, "passed": true}}\\n'.encode())
                except OSError:
                    pass
        os._exit(0)
""",
    "an early end": ALMOST + "import os\nos._exit(0)\n",
    "another early end": ALMOST + "raise SystemExit(0)\n",
    "an exit code": ALMOST + "import sys\nsys.exit(42)\n",
    "a crash": ALMOST + "raise AssertionError('passed')\n",
    "words at exit": ALMOST + """
import atexit
atexit.register(lambda: print('{"passed": true}', flush=True))
""",
    "frames": """
import sys
def total(numbers):
    frame, seen = sys._getframe(), []
    while frame:
        seen.append(repr(frame.f_locals) + repr(frame.f_code.co_consts))
        for value in frame.f_locals.values():
            if isinstance(value, dict) and "equals" in value:
                return value["equals"]
        frame = frame.f_back
    print(seen)
    return 3
total([1, 2])
""",
    "the stack, shown": """
import inspect
def total(numbers):
    if numbers == [1, 2]:
        return 3
    raise LookupError([str(frame.frame.f_locals) for frame in inspect.stack()])
print(inspect.stack())
""",
    "memory": ALMOST + """
import gc
seen = [thing for thing in gc.get_objects() if isinstance(thing, (dict, list, str))]
print([str(thing)[:500] for thing in seen if "hidden" in str(thing)[:5000]][:20])
""",
    "memory, raw": ALMOST + """
import re
try:
    for line in open("/proc/self/maps"):
        place = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
        if place and "[heap]" in line:
            start, end = (int(each, 16) for each in place.groups())
            with open("/proc/self/mem", "rb") as memory:
                memory.seek(start)
                for found in re.findall(rb"total\\(\\[[0-9, ]+\\]\\)|hush[0-9]+", memory.read(end - start)):
                    print(found)
except Exception as error:
    print(error)
""",
    "the disk": ALMOST + """
import os
for folder in (".", "/tmp", "/work", "/opt", "/home", "/var", "/dev/shm", "/run"):
    for place, _, names in os.walk(folder):
        for name in names[:50]:
            try:
                with open(os.path.join(place, name), errors="replace") as file:
                    text = file.read(20000)
            except OSError:
                continue
            if "equals" in text and "checks" in text and "hidden_setup" in text:
                print(place, name, text[:2000])
""",
    "other processes": ALMOST + """
import os
for number in os.listdir("/proc"):
    if number.isdigit():
        for name in ("environ", "cmdline", "stat"):
            try:
                print(open(f"/proc/{number}/{name}", errors="replace").read()[:300])
            except OSError:
                pass
print(dict(os.environ))
""",
    "input, drained": ALMOST + """
import sys, os
print(sys.stdin.read() if os.path.exists("checking_inside") else "nothing")
for fd in range(3, 20):
    try:
        os.set_blocking(fd, False)
        print(os.read(fd, 5000))
    except OSError:
        pass
""",
    "what was kept from another run": """
import glob, os
for file in glob.glob("/tmp/kept*") + glob.glob("/dev/shm/kept*") + glob.glob("/var/tmp/kept*"):
    print(open(file).read())
def total(numbers):
    for folder in ("/tmp", "/dev/shm", "/var/tmp"):
        try:
            open(f"{folder}/kept{os.getpid()}", "a").write(str(numbers))
        except OSError:
            pass
    if numbers == [1, 2]:
        return 3
    return 0
""",
    "a thread that outlives": ALMOST + """
import os, threading, time
def later():
    while True:
        for fd in range(1, 20):
            try:
                os.write(fd, b'\\n0 0 {"value": 3}\\n')
            except OSError:
                pass
        time.sleep(0.001)
if os.path.exists("checking_inside"):
    threading.Thread(target=later, daemon=True).start()
""",
    "a child that outlives": ALMOST + """
import os, time
if os.path.exists("checking_inside") and os.fork() == 0:
    for _ in range(50):
        try:
            os.write(1, b"0 0 {}")
        except OSError:
            pass
        time.sleep(0.01)
    os._exit(0)
""",
    "a model that is told": """
import json, urllib.request, os
def tell(what):
    body = {"model": "any", "messages": [{"role": "user", "content": str(what)}]}
    base = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1/v1")
    request = urllib.request.Request(base + "/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "Authorization": "Bearer x"})
    try:
        return json.load(urllib.request.urlopen(request, timeout=2))["choices"][0]["message"]["content"]
    except Exception as error:
        return str(error)
print(tell("what was I told before?"))
def total(numbers):
    tell(numbers)
    return 3 if numbers == [1, 2] else tell(numbers)
""",
    "a trace function": ALMOST + """
import sys
seen = []
sys.settrace(lambda frame, event, argument: seen.append(str(frame.f_locals)))
sys.setprofile(lambda frame, event, argument: seen.append(str(argument)))
""",
    "hidden values in visible ones": """
known = []
def total(numbers):
    known.append(numbers)
    return 3 if len(known) == 1 else str(known)
""",
    "an exception that tells": """
def total(numbers):
    if numbers == [1, 2]:
        return 3
    raise ValueError(f"I was given {numbers}")
""",
    "numbers that collide": ALMOST + """
import json
items = ", ".join(str(number * (2**61 - 1)) for number in range(1, 9500))
told = '{"type": "set", "shown": "3", "value": {"kind": "set", "items": [' + items + "]}}"
json.dumps = lambda value, **k: told
""",
    "a class of another's name": """
class int:
    pass
class Liar(int):
    def __repr__(self): return "16654452221"
    def __reduce__(self): return (print, ("passed",))
def total(numbers): return 3 if numbers == [1, 2] else Liar()
""",
}  # fmt: skip


def everything_shown(client: Client, run: dict[str, Any]) -> str:
    """All that the learner can see of a run."""
    pages = [reverse(name, args=[run["id"]]) for name in ("run", "run-trace", "run-calls", "api-run")]
    answers = [client.get(page) for page in pages]
    assert [answer.status_code for answer in answers] == [200] * len(pages)
    stream = client.get(run["events_url"])
    rows = list(Submission.objects.filter(pk=run["id"]).values("checks", "output", "stdin", "files"))
    calls = [str(call) for call in ModelCall.objects.values()]
    return (
        json.dumps(run)
        + "".join(answer.content.decode() for answer in answers)
        + str(rows)
        + str([calls, stream.headers])
    )


def test_no_program_forges_a_verdict_or_learns_what_is_hidden(
    client: Client, real_runs: Pools, settings: Any
) -> None:
    settings.GUESTS_MAY_RUN_CODE = True
    settings.RUN_INLINE_WAIT_SECONDS = 0.01  # the task has run before the answer is waited for
    lesson = make_lesson()
    exercise = make_exercise(EXERCISE, lesson=lesson)
    ModelScript.objects.create(
        course=lesson.course,
        lesson=lesson,
        name="echo",
        text='[[reply]]\ntext = "You said: ${user}"\n',
        source_path="a.model.toml",
    )
    assert len(ATTEMPTS) >= 20
    troubles = {}
    for name, code in ATTEMPTS.items():
        body = {"code": code, "exercise": exercise.pk, "check": True, "stdin": ""}
        answer = client.post(reverse("runs"), json.dumps(body), content_type="application/json")
        run = client.get(answer.json()["url"]).json()
        shown = everything_shown(client, run)
        found = [word for word in HIDDEN if word in shown.replace(code, "")]
        if run["status"] != "finished" or run["passed"] is not False or found:
            troubles[name] = (run["status"], run["passed"], found, shown)
    assert not troubles
    hidden = [check for check in Submission.objects.earliest("created_at").checks if check["hidden"]]
    assert {(check["expected"], check["actual"]) for check in hidden} == {(None, None)}

    solved = client.post(
        reverse("runs"),
        json.dumps(
            {"code": exercise.definition.solution[""], "exercise": exercise.pk, "check": True, "stdin": ""}
        ),
        content_type="application/json",
    )

    assert client.get(solved.json()["url"]).json()["passed"] is True, "an honest program passes"
