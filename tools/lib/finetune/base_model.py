"""The base model: a GGUF file's weights, dequantised to f32, in transformers' implementation of its family.

So training sees the very weights that the engine runs, rounding of the quantised file included.
"""

from __future__ import annotations

import numpy as np
import torch
import transformers
from convert.families import name_map
from convert.gguf_file import GgufFile
from convert.layouts import INVERSES

from . import families
from .errors import FinetuneError


def _weights(base: GgufFile, family: families.Family, names: list[str]) -> dict[str, torch.Tensor]:
    ours = name_map(base.architecture, base.n_layer)
    weights, read = {}, {"rope_freqs.weight"}
    for name in names:
        found = ours.get_name(name, try_suffixes=(".weight", ".bias"))
        if name == "lm_head.weight" and "output.weight" not in base.tensors:
            continue  # tied to the embedding
        if found not in base.tensors:
            raise FinetuneError(f"{base.path} has no tensor {found}, which {family.model_type} models need")
        read.add(found)
        values = base.values(found)
        if family.converted.norms_from_one and found.endswith("_norm.weight"):
            values = values - 1
        layout = family.converted.layout(found)
        weights[name] = torch.from_numpy(np.ascontiguousarray(INVERSES[layout](values, base)) if layout else values)
    left = sorted(set(base.tensors) - read)
    if left:
        raise FinetuneError(f"{base.path} has tensors that {family.model_type} models in transformers have not: "
                            f"{', '.join(left[:3])}{' ...' if len(left) > 3 else ''}")
    return weights


def load(base: GgufFile) -> transformers.PreTrainedModel:
    family = families.find(base)
    config = transformers.AutoConfig.for_model(family.model_type, **families.config_values(base, family))
    attention = "eager" if getattr(config, "attn_logit_softcapping", None) else "sdpa"  # sdpa has no soft caps
    with torch.device("meta"):
        skeleton = transformers.AutoModelForCausalLM.from_config(config)
    weights = _weights(base, family, list(skeleton.state_dict()))
    model = type(skeleton).from_pretrained(None, config=config, state_dict=weights, dtype=torch.float32,
                                           attn_implementation=attention)
    if "rope_freqs.weight" in base.tensors:
        rotary = model.model.rotary_emb
        rotary.inv_freq = rotary.inv_freq / torch.from_numpy(base.values("rope_freqs.weight"))
    model.requires_grad_(False)
    return model
