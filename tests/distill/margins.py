"""Prints how much likelier, in nats, preferred answers are than rejected ones in the mean: before a run, after it."""

import json
import sys
from pathlib import Path

import torch

from distill import checkpoint
from distill.compare import PAIRS
from distill.evaluate import score_answers
from distill.model import Model
from distill.prepare import read_lines
from distill.presets import PRESETS

work = Path(sys.argv[1])
preset = PRESETS["long"]
lines = read_lines(work / PAIRS)
means = []
for run in ("grown", "alone-preferred"):
    model = Model(preset.student, preset.vocabulary)
    model.load_state_dict(checkpoint.load_weights(work / run))
    nats = torch.tensor([score_answers(model, [line], work, preset.context).nats for line in lines]).view(-1, 2)
    means.append(float((nats[:, 1] - nats[:, 0]).mean()))
print(json.dumps(means))
