"""Prints the tokens that Hugging Face tokenizers makes of a text, the names of special tokens being plain text."""

from __future__ import annotations

import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
tokenizer.encode_special_tokens = True
print(*tokenizer.encode(sys.argv[2]).ids)
