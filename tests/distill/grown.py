"""Prints "same" if a student that was grown, in layers, heads and vocabulary, answers as it did before.

Arguments: a work folder with the run `alone` and names.txt, and a folder for the grown one.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from distill.export import load_model
from distill.grow import grow
from distill.presets import PRESETS
from distill.tokenizer import encode_plain, load_tokenizer

source, work = map(Path, sys.argv[1:])
small = PRESETS["toy"]
large = replace(small, vocabulary=small.vocabulary + 16, student=replace(small.student, layers=3, kv_heads=2))
(work / "names.txt").write_text((source / "names.txt").read_text() + "Bartholomew\n")
grow(source, "alone", "grown", large, work)
before = load_model(source, "alone", small.student, small.vocabulary)
after = load_model(work, "grown", large.student, large.vocabulary)
text = "once upon a time there was a dog."
ids = torch.tensor([encode_plain(load_tokenizer(source), text)])
assert encode_plain(load_tokenizer(work), text) == ids[0].tolist()
with torch.no_grad():
    expected, logits = before(ids), after(ids)[..., : small.vocabulary]
print("same" if torch.allclose(expected, logits, atol=1e-5, rtol=1e-5) else "different")
