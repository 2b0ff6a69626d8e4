"""Fixtures: the hosts that the command runs on, and the models it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hosts import DATA, NATIVE, ROOT, SANITIZED, WASM, Host


def fetched(name: str) -> Path:
    fetch = subprocess.run([str(ROOT / "tools" / "fetch"), name], stdout=subprocess.PIPE, text=True, check=True)
    return Path(fetch.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct Q4_1, the default model."""
    return fetched("smollm2-135m-instruct-q4_1")


@pytest.fixture(scope="session")
def gemma3() -> Path:
    """Gemma 3 270M Q4_K_M."""
    return fetched("gemma-3-270m-q4_k_m")


@pytest.fixture(scope="session")
def stories() -> Path:
    return DATA / "stories260K.gguf"


@pytest.fixture(scope="session")
def tiny_q() -> Path:
    return DATA / "tiny-q.gguf"


@pytest.fixture(scope="session")
def native() -> Host:
    return Host("native", (str(NATIVE),))


@pytest.fixture(scope="session")
def wasmtime_path() -> str:
    found = shutil.which("wasmtime") or shutil.which("wasmtime", path=str(ROOT / ".cache" / "bin"))
    assert found, "wasmtime is missing; run tools/setup"
    return found


@pytest.fixture(scope="session")
def wasmtime(wasmtime_path: str, smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """inkling.wasm, compiled once for all tests, since compiling it takes longer than most of them."""
    compiled = tmp_path_factory.mktemp("wasmtime") / "inkling.cwasm"
    subprocess.run([wasmtime_path, "compile", str(WASM), "-o", str(compiled)], check=True)
    return Host("wasmtime", (wasmtime_path, "run", "--allow-precompiled"), wasm=str(compiled),
                folders=(DATA, smollm2.parent))


@pytest.fixture(scope="session")
def sanitized() -> Host:
    """The native build with the address and undefined-behaviour sanitizers. Their own exit status would
    be 1, like a failure of the command; and an allocation that is too large gives NULL, as without them."""
    if not SANITIZED.exists():
        pytest.skip("there is no build/native-sanitize/inkling")
    options = {"ASAN_OPTIONS": "allocator_may_return_null=1:exitcode=99", "UBSAN_OPTIONS": "exitcode=99"}
    return Host("native-sanitize", (str(SANITIZED),), env={**os.environ, **options})


@pytest.fixture(scope="session", params=["native", "wasmtime"])
def host(request: pytest.FixtureRequest) -> Host:
    """Every host in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Host)
    return found


@pytest.fixture(scope="session", params=["native", "wasmtime", "sanitized"])
def any_host(request: pytest.FixtureRequest) -> Host:
    """Every host in turn and the build with the sanitizers, which is slow: for tiny models."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Host)
    return found
