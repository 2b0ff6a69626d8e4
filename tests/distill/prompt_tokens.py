"""Prints the tokens that training puts before the answer to a user's message."""

from __future__ import annotations

import sys
from pathlib import Path

from distill.instructions import Record
from distill.tokenizer import encode_record, load_tokenizer

record = Record("write", "tale", sys.argv[2], "", ())
tokens, before = encode_record(load_tokenizer(Path(sys.argv[1])), record)
print(*tokens[:before])
