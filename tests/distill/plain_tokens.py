"""Prints how many tokens of a plain record stand before its text, and its text from its tokens. Argument: a work folder."""

import json
import sys
from pathlib import Path

from distill.instructions import Record
from distill.tokenizer import encode_record, load_tokenizer

tokenizer = load_tokenizer(Path(sys.argv[1]))
tokens, before = encode_record(tokenizer, Record("plain", "tale", "", "Anna saw a kite.", ()))
print(json.dumps([before, tokenizer.decode(tokens, skip_special_tokens=False)]))
