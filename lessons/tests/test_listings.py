"""Listings: found in a lesson, put together into programs. Programs are run to see that they do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lessons.listings import Listing, Program, assemble, extract


def make_listings(*codes: str) -> list[Listing]:
    return extract("\n".join(f"````python\n{code.strip(chr(10))}\n````\n" for code in codes))


def run(program: Program, folder: Path) -> str:
    """What the program prints: prelude first, unheard and not as `__main__`, as the sandbox does it."""
    for path, text in program.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    driver = (
        "import contextlib, io, json, sys\n"
        "prelude, code, name = json.load(open('program.json'))\n"
        "namespace = {'__name__': '__prelude__'}\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    for piece, text in prelude:\n"
        "        exec(compile(text, piece, 'exec'), namespace)\n"
        "namespace['__name__'] = '__main__'\n"
        "exec(compile(code, name, 'exec'), namespace)\n"
    )
    (folder / "program.json").write_text(json.dumps([program.prelude, program.code, program.name]))
    command = [sys.executable, "-c", driver]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr


# --- Finding ---


@pytest.mark.parametrize("info", ["python", "Python", "py", "PY", "python3", 'python title="a"', "{.python}"])
def test_a_fence_for_python_is_a_listing(info: str) -> None:
    [listing] = extract(f"text\n\n```{info}\nprint(1)\n```\n")
    assert (listing.code, listing.info, listing.line, listing.index) == ("print(1)\n", info, 4, 0)


@pytest.mark.parametrize("info", ["", "bash", "Plain", "json", "javascript"])
def test_other_fences_are_not(info: str) -> None:
    assert extract(f"```{info}\nprint(1)\n```\n") == []


def test_fences_may_be_indented_tilded_and_in_quotes() -> None:
    text = (
        "1. a\n\n   ```python\n   if x:\n       y()\n   ```\n\n~~~py\nz\n~~~\n\n> ```python\n> q()\n> ```\n"
    )
    assert [listing.code for listing in extract(text)] == ["if x:\n    y()\n", "z\n", "q()\n"]


def test_a_fence_inside_a_longer_fence_is_text_of_that_fence() -> None:
    text = "````markdown\n```python\nno\n```\n````\n\n````python\ns = '''\n```python\nyes\n```\n'''\n````\n"
    [listing] = extract(text)
    assert listing.code == "s = '''\n```python\nyes\n```\n'''\n"


def test_line_numbers_do_not_depend_on_line_ends() -> None:
    assert extract("a\r\n\r\n```python\r\nx\r\n```\r\n")[0].line == 4


def test_output_pasted_below_the_code_is_expected_output() -> None:
    [listing] = make_listings("print('a')\n\n>>>\na\n>>> b")
    assert listing.code == "print('a')\n"
    assert listing.expected_output == "a\n>>> b\n"


def test_a_transcript_is_split_into_input_and_output() -> None:
    [listing] = make_listings(">>> for i in (1, 2):\n...     print(i)\n...\n1\n2\n>>> 3\n3")
    assert listing.code == "for i in (1, 2):\n    print(i)\n\n3\n"
    assert listing.expected_output == "1\n2\n3\n"


def test_prompts_in_a_docstring_stay_code() -> None:
    code = 'def f():\n    """\n>>> f()\n1\n    """\n    return 1\n'
    assert make_listings(code)[0].code == code


def test_a_prompt_template_in_a_text_fence_is_a_listing() -> None:
    [listing] = extract('```bash\n# the prompt\nPROMPT = """\nanswer {question}\n"""\n```\n')
    assert listing.info == "bash"
    assert "PROMPT" in listing.code


@pytest.mark.parametrize("code", ['KEY="abc"', "pip install x", 'print("""x""")', 'A = """', "A = 1\n"])
def test_other_text_fences_stay_text(code: str) -> None:
    assert extract(f"```bash\n{code}\n```\n") == []


@pytest.mark.parametrize(
    ("comment", "filename"),
    [
        ("# my_llm.py", "my_llm.py"),
        ("# file: memory.py", "memory.py"),
        ("# 文件：tools/search.py", "tools/search.py"),
        ("# Continue adding in my_agent.py", "my_agent.py"),
        ("# 继续在 my_agent.py 中添加", "my_agent.py"),
        ("# assumes that llm.py exists", None),
        ("# ../evil.py", None),
        ("# /etc/evil.py", None),
        ("# a/../../evil.py", None),
        ("# .hidden.py", None),
        ("# notes.txt", None),
    ],
)
def test_the_file_a_listing_names(comment: str, filename: str | None) -> None:
    assert make_listings(f"{comment}\nx = 1")[0].filename == filename


# --- Putting together ---


def test_a_listing_that_needs_nothing_runs_alone(tmp_path: Path) -> None:
    listings = make_listings("print(input())", "print('b')")
    program = assemble(listings, 1)
    assert (program.prelude, program.files, program.name) == ((), {}, "listing-2.py")
    assert run(program, tmp_path) == "b\n"


def test_what_a_listing_builds_on_comes_first(tmp_path: Path) -> None:
    listings = make_listings(
        "import math\ndef area(r):\n    return math.pi * r * r",
        "unrelated = input()",
        "radius = 2\nprint('not heard')",
        "print(round(area(radius), 1))",
    )
    program = assemble(listings, 3)
    assert [name for name, _ in program.prelude] == ["listing-1.py", "listing-3.py"]
    assert run(program, tmp_path) == "12.6\n"


def test_what_changes_a_needed_value_comes_too(tmp_path: Path) -> None:
    listings = make_listings("tools = {}", "tools['a'] = 1", "tools.update(b=2)", "print(tools)")
    assert run(assemble(listings, 3), tmp_path) == "{'a': 1, 'b': 2}\n"


def test_a_value_made_from_its_former_self_keeps_both(tmp_path: Path) -> None:
    listings = make_listings("total = 1", "total = total + 1", "total += 1", "print(total)")
    assert run(assemble(listings, 3), tmp_path) == "3\n"


def test_the_last_definition_counts(tmp_path: Path) -> None:
    listings = make_listings("def f(): return 1", "def f(): return 2", "print(f())")
    program = assemble(listings, 2)
    assert len(program.prelude) == 1
    assert run(program, tmp_path) == "2\n"


def test_names_defined_under_a_main_guard_are_not_there_in_a_prelude() -> None:
    listings = make_listings("if __name__ == '__main__':\n    box = 1", "print(box)")
    assert assemble(listings, 1).prelude == ()


def test_a_learners_own_code_replaces_the_listings(tmp_path: Path) -> None:
    listings = make_listings("a = 1", "print(a)")
    program = assemble(listings, 1, "print(a + 1)\n")
    assert program.name == "main.py"
    assert run(program, tmp_path) == "2\n"


def test_a_learners_broken_code_is_run_as_it_is() -> None:
    program = assemble(make_listings("a = 1", "print(a)"), 1, "print(a\n")
    assert (program.code, program.name) == ("print(a\n", "main.py")


def test_what_is_marked_as_python_and_is_not_is_no_listing(tmp_path: Path) -> None:
    listings = make_listings("x = 1", "x = 2 +", "pip install x", "文本: 很好！\n情感: 正面", "print(x)")
    assert [listing.index for listing in listings] == [0, 1]
    assert run(assemble(listings, 1), tmp_path) == "1\n"


def test_a_listing_is_called_by_its_lesson_and_place() -> None:
    [first, second] = extract("```python\nx = 1\n```\n\n```python\nprint(x)\n```\n", "4.2")
    program = assemble([first, second], 1)
    assert program.name == "4.2-listing-2.py"
    assert [name for name, _ in program.prelude] == ["4.2-listing-1.py"]


def test_imports_that_an_author_forgot_are_made_up_for(tmp_path: Path) -> None:
    listings = make_listings(
        "def find(text: str) -> List[str]:\n    return re.findall(r'\\d', text)\n", "print(find('a1b2'))"
    )
    assert run(assemble(listings, 1), tmp_path) == "['1', '2']\n"


def test_what_agents_use_of_pydantic_is_among_them() -> None:
    program = assemble(make_listings("class Vote(BaseModel):\n    reason: Optional[str] = Field(None)\n"), 0)
    assert program.prelude == (
        (
            "imports.py",
            "from typing import Optional\nfrom pydantic import BaseModel\nfrom pydantic import Field\n",
        ),
    )


def test_imports_that_a_learner_forgot_are_not(tmp_path: Path) -> None:
    program = assemble(make_listings("print(1)"), 0, "print(re.sub('a', 'b', 'a'))")
    assert program.prelude == ()


def test_a_sibling_module_is_a_file_and_its_pieces_are_joined(tmp_path: Path) -> None:
    listings = make_listings(
        "# my_llm.py\nimport helper\nclass LLM:\n    name = helper.NAME",
        "# helper.py\nNAME = 'h'",
        "# Continue adding in my_llm.py\nclass LLM(object):\n    # ... as above\n    def ask(self):\n"
        "        return self.name",
        "# other.py\nraise SystemExit",
        "from my_llm import LLM\nprint(LLM().ask())",
    )
    program = assemble(listings, 4)
    assert set(program.files) == {"my_llm.py", "helper.py"}
    assert run(program, tmp_path) == "h\n"


def test_methods_in_a_later_listing_belong_to_the_class_before(tmp_path: Path) -> None:
    listings = make_listings(
        "class Agent:\n    def run(self):\n        return self.think()\n",
        "# (part of Agent)\n    def think(self):\n        return 'hm'\n",
        "print(Agent().run())",
    )
    program = assemble(listings, 2)
    assert run(program, tmp_path) == "hm\n"


def test_a_loop_body_goes_on_after_other_methods_were_shown(tmp_path: Path) -> None:
    listings = make_listings(
        "class Agent:\n    def run(self):\n        for step in (1, 2):\n            print(step)\n",
        "    def helper(self):\n        return 'done'\n",
        "            # in the loop\n            print(self.helper())\n",
        "            print('-')\n        return 'end'\n",
        "print(Agent().run())",
    )
    assert run(assemble(listings, 4), tmp_path) == "1\ndone\n-\n2\ndone\n-\nend\n"


def test_a_piece_of_a_class_runs_as_the_class_so_far(tmp_path: Path) -> None:
    listings = make_listings("class A:\n    x = 1\n    print('body')", "    def f(self):\n        return 1\n")
    program = assemble(listings, 1, "    def f(self):\n        return 2\n")
    assert "return 2" in program.code
    assert program.name == "listing-2.py"
    assert run(program, tmp_path) == "body\n"


def test_what_stands_below_a_piece_of_a_class_uses_the_whole_class(tmp_path: Path) -> None:
    listings = make_listings(
        "class Agent:\n    def run(self):\n        for step in (1, 2):\n            print(step)\n",
        "# (of the class)\n    def helper(self):\n        return re.sub('x', 'd', 'xone')\n",
        "# (in the loop)\n            print(self.helper())\n        # outside\n        return 'end'\n",
    )
    own = listings[2].code + "\n# try it\nprint(Agent().run())\n1 / 0\n"
    program = assemble(listings, 2, own)
    assert (program.name, program.code.count("\n")) == ("main.py", own.count("\n"))
    output = run(program, tmp_path)
    assert output.startswith("1\ndone\n2\ndone\nend\n")
    assert f'main.py", line {len(own.splitlines())}' in output


def test_what_stands_below_a_piece_that_goes_on_with_nothing_is_run_as_it_is() -> None:
    listings = make_listings("x = 1\n", "    y = 2\n")
    assert assemble(listings, 1, "    y = 2\nprint(y)\n").code == "    y = 2\nprint(y)\n"


def test_a_class_opened_again_keeps_its_lines_and_its_methods(tmp_path: Path) -> None:
    listings = make_listings(
        "class A:\n    def one(self):\n        return 1\n",
        "class A:\n    # ... the method above\n    def two(self):\n        return self.one() + 1\n",
        "print(A().two())",
    )
    program = assemble(listings, 2)
    assert [text.count("\n") for _, text in program.prelude] == [3, 4]
    assert run(program, tmp_path) == "2\n"


def test_a_class_written_anew_does_not_inherit() -> None:
    listings = make_listings("class A:\n    x = 1", "class A:\n    y = 2", "print(A.y)")
    [(_, text)] = assemble(listings, 2).prelude
    assert text == "class A:\n    y = 2\n"
