"""How much memory it takes to load a model and use it: the weights once, and little besides."""

from __future__ import annotations

from pathlib import Path

from hosts import Host
from terminal import Terminal

ARGUMENTS = ["-n", "1", "-c", "64", "--temp", "0"]
PAGE = 64 << 10  # WebAssembly's


def needed(host: Host, model: Path) -> dict[str, int]:
    """What `info` says beforehand, in bytes."""
    return dict(host.ok("info", "-m", model, "-c", 64, "--json").json["memory"])


def peak(host: Host, model: Path) -> int:
    """The largest resident size in bytes after an answer. From /proc while the command waits for another
    question: what the system keeps after its end counts the test's own memory, before exec, as well."""
    terminal = Terminal(host.command("chat", "-m", model, *ARGUMENTS), answers_to_terminal=False)
    try:
        terminal.wait_for(b"> ")
        terminal.type(b"a\n")
        terminal.wait_for(b"> ")
        status = Path(f"/proc/{terminal.process.pid}/status").read_text()
    finally:
        terminal.close()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_peak_natively(native: Host, smollm2: Path, tiny_q: Path) -> None:
    """Against a run with a model that weighs nothing: libc, the program, the stack."""
    baseline = peak(native, tiny_q)
    assert baseline < 6e6
    file = smollm2.stat().st_size
    above = peak(native, smollm2) - baseline
    print(f"baseline {baseline / 1e6:.1f} MB, above it {above / 1e6:.1f} MB: {above / file:.3f} x the file, "
          f"{above / needed(native, smollm2)['total']:.3f} x what info says")
    assert file * 0.9 < above < file * 1.10
    assert 0.95 < above / needed(native, smollm2)["total"] < 1.02


def works_within(host: Host, model: Path, bound: int) -> bool:
    result = host.with_wasmtime("-W", f"max-memory-size={bound}").run("-m", model, "-p", "a", *ARGUMENTS)
    assert result.status == 0 or b"INK_ERR_OUT_OF_MEMORY" in result.err, result
    return result.status == 0


def test_peak_of_linear_memory(wasmtime: Host, smollm2: Path) -> None:
    """Linear memory never shrinks, so that the smallest bound it works under is its peak."""
    file = smollm2.stat().st_size
    low, high = int(file * 0.9), int(file * 1.2)
    assert works_within(wasmtime, smollm2, high) and not works_within(wasmtime, smollm2, low)
    while high - low > 4 * PAGE:
        middle = (low + high) // 2
        if works_within(wasmtime, smollm2, middle):
            high = middle
        else:
            low = middle
    memory = needed(wasmtime, smollm2)
    print(f"linear memory {high / 1e6:.1f} MB: {high / file:.3f} x the file, "
          f"{(high - memory['total']) / 1e6:.1f} MB above what info says")
    assert high < memory["weights"] * 1.05 + memory["kv_cache"] + memory["scratch"]
    # The stack, the program's data, and what lay about the file's header before it was read.
    assert high < memory["total"] + (4 << 20)


def test_the_default_context_needs_what_info_says(wasmtime: Host, smollm2: Path) -> None:
    """At 4096 tokens the KV cache is half as large as the weights: nothing else may be."""
    total = wasmtime.ok("info", "-m", smollm2, "--json").json["memory"]["total"]
    bounded = wasmtime.with_wasmtime("-W", f"max-memory-size={total + (4 << 20)}")
    assert bounded.ok("-m", smollm2, "-p", "a", "-n", 1, "--temp", 0).out
