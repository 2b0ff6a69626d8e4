"""Golden prompts of chat templates, from jinja2; or a comparison with the command.

  templates.py                      writes tests/data/golden/{conversations.jsonl,templates.txt,jinja.jsonl}
  templates.py --compare INKLING    renders everything with the command too, and shows what differs
"""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from chat_templates import render
from conversations import CONVERSATIONS
from snippets import SNIPPETS as USUAL
from snippets import VARIABLES
from snippets_more import SNIPPETS as SELDOM

SNIPPETS = USUAL + SELDOM
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
GOLDEN = DATA / "golden"
NOW = datetime(2024, 7, 6, 15, 4, 5)
ABOUT = """\
# Prompts of every template in ../templates for every line of conversations.jsonl, by jinja2.
# Seconds since 1970 of strftime_now(), then for each: template conversation length hash, or
# template conversation error where jinja2 raises. Hash: FNV-1a of 64 bits, folded as ink_hash() does.
"""


def fnv(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return value ^ value >> 32


def templates() -> dict[str, str]:
    return {path.stem: path.read_bytes().decode() for path in sorted((DATA / "templates").glob("*.jinja"))}


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write() -> None:
    GOLDEN.mkdir(exist_ok=True)
    lines = [compact(variables) for variables in CONVERSATIONS.values()]
    (GOLDEN / "conversations.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    seconds = int((NOW - datetime(1970, 1, 1)).total_seconds())
    rows, errors = [str(seconds)], 0
    for name, source in templates().items():
        for number, line in enumerate(lines):
            text = render(source, json.loads(line), NOW)
            errors += text is None
            rows.append(f"{name} {number} " + ("error" if text is None else f"{len(text.encode())} {fnv(text.encode()):016x}"))
    (GOLDEN / "templates.txt").write_text(ABOUT + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    print(f"{len(rows) - 1} prompts, of which {errors} errors")
    snippets = [{"template": s, "text": render(s, VARIABLES, NOW)} for s in SNIPPETS]
    (GOLDEN / "jinja.jsonl").write_text("".join(compact(row) + "\n" for row in [VARIABLES, *snippets]), encoding="utf-8")
    print(f"{len(snippets)} snippets, of which {sum(s['text'] is None for s in snippets)} errors")


def run(command: str, template: str, variables: dict[str, Any]) -> tuple[str | None, str]:
    with tempfile.NamedTemporaryFile("w", suffix=".jinja", encoding="utf-8", newline="") as file:
        file.write(template)
        file.flush()
        done = subprocess.run([command, "template", "--template", file.name], input=compact(variables).encode(),
                              capture_output=True, check=False)
    return (done.stdout.decode() if done.returncode == 0 else None), done.stderr.decode().strip()


def compare(command: str) -> int:
    cases = [(f"{name} x {other}", source, variables) for name, source in templates().items()
             for other, variables in CONVERSATIONS.items()]
    cases += [(repr(source), source, {"messages": [], **VARIABLES}) for source in SNIPPETS]
    different = 0
    for about, source, variables in cases:
        expected = render(source, variables, datetime.now())
        found, complaint = run(command, source, variables)
        if found == expected:
            continue
        different += 1
        print(f"--- {about}")
        if found is None or expected is None:
            print(f"jinja2: {'raises' if expected is None else repr(expected[-300:])}\n"
                  f"inkling: {complaint if found is None else repr(found[-300:])}")
        else:
            diff = difflib.unified_diff(expected.splitlines(True), found.splitlines(True), "jinja2", "inkling", n=1)
            print("\n".join(repr(line) for line in list(diff)[:12]))
    print(f"{len(cases)} compared, {different} different")
    return different > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", metavar="INKLING")
    arguments = parser.parse_args()
    sys.exit(compare(arguments.compare) if arguments.compare else write())
