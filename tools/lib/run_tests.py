"""Builds and runs the test suites, each with its library's own runner, and adds up their JUnit reports.

The last line on stdout is `N passed, N failed`. A suite that cannot be built, stops early or runs no
test at all counts as one failure; one that this machine lacks optional tools for is skipped, and says so.
Reports and logs lie in build/reports.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from steps import ROOT, WEB, WEB_PRESETS, StepFailed, build, build_web_package, fetch_model, run_logged, say, tail

REPORTS = ROOT / "build" / "reports"
SUITE_LIMIT_S = 1800


@dataclass(frozen=True)
class Suite:
    name: str
    about: str
    command: list[str]
    presets: list[str]
    needs_model: bool = False
    prepare: Callable[[Path], None] | None = None
    why_skipped: Callable[[], str | None] | None = None  # None: it can run here
    cwd: Path = ROOT
    env: dict[str, str] | None = None


def report_of(name: str) -> Path:
    return REPORTS / f"{name}.xml"


def c_tests(preset: str, about: str, why_skipped: Callable[[], str | None] | None = None) -> Suite:
    command = ["ctest", "--preset", preset, "--output-junit", str(report_of(preset))]
    return Suite(preset, f"C tests, {about}", command, [preset], why_skipped=why_skipped)


def python_tests(name: str, about: str, presets: list[str], needs_model: bool) -> Suite:
    command = ["pytest", f"tests/{name}", "-q", "-p", "no:cacheprovider", f"--junitxml={report_of(name)}"]
    return Suite(name, about, command, presets, needs_model)


def why_no_emulated_arm() -> str | None:
    if platform.machine() in ("aarch64", "arm64"):
        return "this processor is one, and runs the same tests in the suite native"
    wanted = [("aarch64-linux-gnu-gcc",), ("qemu-aarch64", "qemu-aarch64-static")]
    missing = [names[0] for names in wanted if not any(map(shutil.which, names))]
    return f"there is no {' and no '.join(missing)} here; Debian has them" if missing else None


SUITES = [
    python_tests("tools", "the download, the file server and the converter", [], needs_model=False),
    c_tests("native", "native"),
    c_tests("native-sanitize", "native with the address and undefined-behaviour sanitizers"),
    c_tests("native-aarch64", "compiled for 64-bit ARM, under qemu", why_no_emulated_arm),
    c_tests("wasi", "under Wasmtime"),
    c_tests("wasi-relaxed", "with relaxed SIMD, under Wasmtime"),
    c_tests("web-simd128", "compiled by Emscripten, in Node"),
    c_tests("web-simd128-threads", "those of threads, on a shared memory in Node"),
    python_tests("cli", "the command, natively and under Wasmtime", ["native", "native-sanitize", "wasi"],
                 needs_model=True),
    python_tests("distill", "a model made at toy size, from stories to answers in the engine", ["native"],
                 needs_model=False),
    Suite("web", "the npm package, in Node, Deno and Bun, in Chromium and Firefox",
          ["npm", "test"], ["native", *WEB_PRESETS], needs_model=True, prepare=build_web_package, cwd=WEB,
          env={"NODE_OPTIONS": "--test-reporter=spec --test-reporter-destination=stdout "
                               f"--test-reporter=junit --test-reporter-destination={report_of('web')}"}),
]


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def read_report(report: Path) -> Tally:
    """Counts the test cases of a JUnit report; a missing or broken report counts as none."""
    tally = Tally()
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return tally
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed += 1
        elif case.find("skipped") is not None:
            tally.skipped += 1
        else:
            tally.passed += 1
    return tally


class Preparation:
    """Does each suite's groundwork once, though several suites share it, and remembers what failed."""

    def __init__(self) -> None:
        self.outcomes: dict[str, StepFailed | None] = {}

    def once(self, name: str, action: Callable[[], object]) -> None:
        if name not in self.outcomes:
            start = time.monotonic()
            say(f"test: {name}")
            try:
                action()
                self.outcomes[name] = None
            except StepFailed as error:
                self.outcomes[name] = error
            say(f"test:   {time.monotonic() - start:.1f} s")
        failure = self.outcomes[name]
        if failure:
            raise failure

    def prepare(self, suite: Suite) -> None:
        for preset in suite.presets:
            log = REPORTS / f"build-{preset}.log"
            self.once(f"build {preset}", lambda: build(preset, log))
        if suite.needs_model:
            self.once("model", fetch_model)
        prepare = suite.prepare
        if prepare:
            self.once(f"build {suite.name}", lambda: prepare(REPORTS / f"build-{suite.name}.log"))


def run_suite(suite: Suite, preparation: Preparation) -> Tally:
    reason = suite.why_skipped() if suite.why_skipped else None
    if reason:
        say(f"test: {suite.name}: SKIPPED: {reason}")
        return Tally(skipped=1)
    try:
        preparation.prepare(suite)
    except StepFailed as error:
        say(f"test: {suite.name}: NOT RUN: {error}")
        return Tally(failed=1)
    log = REPORTS / f"{suite.name}.log"
    start = time.monotonic()
    say(f"test: {suite.name}: {suite.about}")
    status = run_logged(suite.command, log, SUITE_LIMIT_S, suite.cwd, suite.env)
    tally = read_report(report_of(suite.name))
    if tally.failed == 0 and (status != 0 or tally.passed == 0):
        say(f"test: {suite.name}: its runner ended with status {status} after {tally.passed} tests passed")
        tally.failed = 1
    if tally.failed:
        say(tail(log))
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    say(f"test:   {tally.passed} passed, {tally.failed} failed{skipped}, {time.monotonic() - start:.1f} s")
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/test", description="Runs the test suites, set-up and builds included.",
        epilog="Suites: " + "; ".join(f"{suite.name}: {suite.about}" for suite in SUITES))
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="run only these")
    wanted: list[str] = parser.parse_args().suites
    names = [suite.name for suite in SUITES]
    for name in wanted:
        if name not in names:
            parser.error(f"no suite {name!r}; there are: {', '.join(names)}")
    shutil.rmtree(REPORTS, ignore_errors=True)
    preparation = Preparation()
    tallies = [run_suite(suite, preparation) for suite in SUITES if not wanted or suite.name in wanted]
    failed = sum(tally.failed for tally in tallies)
    print(f"{sum(tally.passed for tally in tallies)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
