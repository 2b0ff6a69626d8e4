"""The native half of tokenizer.mjs, which starts it: Hugging Face's tokenizers, and Inkling compiled natively.

    tokenizer_peer.py '{"folder":…,"models":[…],"corpora":[…],"bytes":…,"piece":…}'

It writes each corpus's pieces to FOLDER/N.json, a list of strings, and says on a line what is there. Then it
answers each line of stdin, {"do":"inkling"|"tokenizers","model":N,"corpus":N,"check":bool}, by a line: seconds,
and with "check" the number of tokens and a checksum of them, h = 31 h + id modulo 2^32, over all pieces. One
thread; loading the vocabulary does not count."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import tokenizers  # noqa: E402
from tokenizer_references import reference  # noqa: E402
from tokenizer_texts import cut, made_texts, read_file  # noqa: E402

from check_families import build_vocab_tokens  # noqa: E402  tools/oracle, by tokenizer_references


def checksum(ids: list[int], value: int = 0) -> int:
    for i in ids:
        value = value * 31 + i & 0xFFFFFFFF
    return value


class Inkling:
    def __init__(self, models: list[Path], corpora: list[list[str]]) -> None:
        self.program, self.models = build_vocab_tokens(), models
        self.inputs = [b"".join(struct.pack("<I", len(t)) + t for t in map(str.encode, texts)) for texts in corpora]
        self.n_texts = [len(texts) for texts in corpora]

    def run(self, model: int, corpus: int, check: bool) -> dict:
        done = subprocess.run([self.program, self.models[model]], input=self.inputs[corpus], check=True,
                              stdout=subprocess.PIPE if check else subprocess.DEVNULL, stderr=subprocess.PIPE)
        answer = {"seconds": float(re.search(rb"tokenized in ([\d.]+) ms", done.stderr)[1]) / 1e3}
        return {**answer, **self.check(done.stdout, self.n_texts[corpus])} if check else answer

    @staticmethod
    def check(out: bytes, n_texts: int) -> dict:
        at = tokens = value = 0
        for _ in range(n_texts):
            (n,) = struct.unpack_from("<i", out, at)
            value = checksum(struct.unpack_from(f"<{n}i", out, at + 4), value)
            (size,) = struct.unpack_from("<I", out, at + 4 + 4 * n)
            at += 8 + 4 * n + size
            tokens += n
        return {"tokens": tokens, "checksum": value}


class Tokenizers:
    def __init__(self, models: list[Path], corpora: list[list[str]]) -> None:
        self.models, self.corpora = [reference(model) for model in models], corpora

    def run(self, model: int, corpus: int, check: bool) -> dict:
        tokenizer = self.models[model][1]
        start = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(self.corpora[corpus], add_special_tokens=False)
        answer = {"seconds": time.perf_counter() - start}
        if not check:
            return answer
        value = 0
        for encoding in encodings:
            value = checksum(encoding.ids, value)
        return {**answer, "tokens": sum(map(len, encodings)), "checksum": value}


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    setup = json.loads(sys.argv[1])
    models = [Path(path) for path in setup["models"]]
    size = setup["bytes"]
    named = [(Path(path).name, read_file(Path(path), size)) for path in setup["corpora"]] or made_texts(size)
    corpora = [cut(text, setup["piece"]) for _, text in named]
    for i, pieces in enumerate(corpora):
        (Path(setup["folder"]) / f"{i}.json").write_text(json.dumps(pieces))
    engines = {"inkling": Inkling(models, corpora), "tokenizers": Tokenizers(models, corpora)}
    say({"version": tokenizers.__version__, "families": [name for name, _ in engines["tokenizers"].models],
         "corpora": [{"name": name, "bytes": len(text.encode())} for name, text in named]})
    for line in sys.stdin:
        request = json.loads(line)
        say(engines[request["do"]].run(request["model"], request["corpus"], request.get("check", False)))


if __name__ == "__main__":
    main()
