"""Prints `same` if a GGUF file's tensors, decoded, are what quantisation-aware training saw, bit for bit."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from distill.export import decoded_file, gguf_tensors, load_model
from distill.presets import PRESETS
from distill.quantize import fake_quantize_model

folder, file = Path(sys.argv[1]), Path(sys.argv[2])
preset = PRESETS["toy"]
model = load_model(folder.parent, folder.name, preset.student, preset.vocabulary)
fake_quantize_model(model, preset.block_type, preset.embedding_type)
seen = {matrix: matrix.seen().detach().clone() for matrix in (*model.matrices().values(), model.embedding)}
for matrix, weight in seen.items():
    matrix.weight.data = weight
expected, found = gguf_tensors(model), decoded_file(file)
assert expected.keys() == found.keys()
wrong = [name for name in expected if not torch.equal(expected[name], found[name].reshape(expected[name].shape))]
print(wrong or "same")
