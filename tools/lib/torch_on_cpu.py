"""Lets a CUDA build of PyTorch run on a CPU without CUDA's own 3 GB of libraries: torch_on_cpu.py TORCH/lib

PyPI's torch for Linux is linked with CUDA's libraries, which are packages of their own. On a CPU it calls them only to
be told that there is no device, but the loader wants each file and each symbol to be there. So this compiles, for
every library that is missing, one with the same name whose functions say so. Needs cc, nm and readelf.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

NO_DEVICE = 100  # cudaErrorNoDevice and CUDA_ERROR_NO_DEVICE
CUDA = re.compile(r"lib(cu|nv|nccl)")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def is_there(library: str, folder: Path) -> bool:
    if (folder / library).exists():
        return True
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@dataclass
class Wanted:
    """What a folder's binaries ask of the libraries that they are linked with."""

    libraries: set[str] = field(default_factory=set)
    library_of: dict[str, str] = field(default_factory=dict)  # of a symbol version
    symbols: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by version; "" has none

    def add(self, binary: Path) -> None:
        self.libraries.update(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", str(binary))))
        library = ""
        for kind, name in re.findall(r"(File|Name): (\S+)", output("readelf", "-VW", str(binary))):
            if kind == "File":
                library = name
            else:
                self.library_of.setdefault(name, library)
        for line in output("nm", "-D", "--undefined-only", str(binary)).splitlines():
            name, _, version = line.split()[-1].partition("@")
            self.symbols[version].add(name)


def write_library(path: Path, versions: dict[str, set[str]]) -> None:
    """A shared library whose functions, each under its version, answer CUDA's "no device"."""
    names = sorted(set().union(*versions.values())) if versions else []
    source = "".join(f"long {name}(void) {{ return {NO_DEVICE}; }}\n" for name in names)
    options = []
    script = path.with_name(path.name.split(".")[0] + ".versions")
    if any(versions):
        script.write_text("".join(f"{version} {{ global: {'; '.join(sorted(symbols))}; }};\n"
                                  for version, symbols in versions.items() if version))
        options = [f"-Wl,--version-script={script}"]
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-fno-builtin", "-x", "c", "-", "-o", str(path),
                    f"-Wl,-soname,{path.name}", *options], input=source, text=True, check=True)
    script.unlink(missing_ok=True)


def main(folder: Path) -> int:
    wanted = Wanted()
    for binary in folder.glob("*.so*"):
        wanted.add(binary)
    missing = sorted(name for name in wanted.libraries if CUDA.match(name) and not is_there(name, folder))
    # Some libraries name no versions: their symbols are known by how they begin.
    rest = {name for name in wanted.symbols[""] if re.match(r"cu[A-Z]|cu[a-z]+[A-Z]|nv|nccl|__cuda", name)}
    for library in missing:
        versions = {version: symbols for version, symbols in wanted.symbols.items()
                    if wanted.library_of.get(version) == library}
        if not versions:
            versions = {"": rest}
        write_library(folder / library, versions)
    print(f"torch on a CPU: {len(missing)} libraries that stand for CUDA's, in {folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
