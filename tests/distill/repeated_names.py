"""Prints where is_repeated() finds a name again: rows of 0 and 1."""

import torch

from distill.data import IGNORED
from distill.train import is_repeated

# Tokens 2 and 3 are the name 1, with a space before it and without; token 4 is the name 2; the others are no names.
NUMBERS = torch.tensor([0, 0, 1, 1, 2, 0])
inputs = torch.tensor([[0, 2, 5, 3], [4, 0, 5, 5]])
targets = torch.tensor([[2, 5, 3, 4], [0, 4, 2, IGNORED]])
print(is_repeated(NUMBERS, inputs, targets).int().tolist())
