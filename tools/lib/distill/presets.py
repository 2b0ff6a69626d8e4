"""The sizes at which the pipeline runs: what a preset fixes is everything that a run's result depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shape:
    """A llama-shaped network with tied embeddings. Every row length is a multiple of 32, the quantised block."""

    layers: int
    width: int  # the residual stream
    heads: int
    kv_heads: int
    ffn: int
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_size(self) -> int:
        return self.width // self.heads


@dataclass(frozen=True)
class Limits:
    """How long a story is for the model, in characters."""

    whole: int = 2600  # at most, if it is written whole
    part: int = 1700  # about, of the part of a longer one that is written
    abridge: bool = False  # write the longer ones abridged rather than in part


@dataclass(frozen=True)
class Schedule:
    """Warm-up, a constant rate, and a decay to zero (WSD)."""

    steps: int
    warmup: int
    decay: int
    muon_rate: float = 0.02  # matrices
    adam_rate: float = 0.003  # embedding and norms
    weight_decay: float = 0.01  # of the matrices
    batch_tokens: int = 6144  # of one step, padding included
    short: tuple[tuple[int, int], ...] = ()  # steps, from and to, with short records alone (data.SHORT): lessons


@dataclass(frozen=True)
class Preset:
    about: str
    vocabulary: int
    context: int  # tokens of the longest record
    kinds: tuple[str, ...]  # of corpus.py's stories
    student: Shape
    teacher: Shape
    train: Schedule
    teach: Schedule
    quantize: Schedule  # quantisation-aware training, from the trained student
    limits: Limits = Limits()
    block_type: str = "Q4_1"  # of the matrices
    embedding_type: str = "Q8_0"
    max_stories: int = 0  # 0: all of them
    whole_names: bool = False  # the vocabulary has every hero's name as one token
    copy_weight: float = 1.0  # in the loss, of words that the answer takes from the prompt; less at a low rate
    lessons: int = 0  # times that lessons in copying names are made of each training story
    more_kinds: tuple[str, ...] = ()  # of stories that are trained on as well, never held out
    more_versions: int = 1  # of each of these
    given_names: int = 0  # general ones that are tokens too, with `whole_names`
    rare_names: int = 0  # further ones, which stories are given now and then and the vocabulary does not have
    versions: int = 1  # of each training story: number 0 as it is, the others with other names and cuts
    first_version: int = 0  # number of the first; those before it are what a preset grown from had
    plain: float = 0.0  # share of the stories, in each version, that are also there as text alone
    exchange: bool = True  # versions now and then have another thing or place too
    held_out: float = 0.03  # share of the stories
    temperature: float = 2.0  # of distillation
    teacher_share: float = 0.5  # of the loss, the rest is the text itself
    prefer: Schedule = Schedule(steps=270, warmup=10, decay=260, muon_rate=0.001, adam_rate=0.0001, batch_tokens=4096)
    beta: float = 0.1  # of the preference loss: how dear it is to differ from the weights before
    text_share: float = 0.25  # tokens of training records in a batch of pairs, as a share of theirs
    seed: int = 1


PRESETS = {
    "toy": Preset(
        about="the whole pipeline in a few minutes on a CPU, for tests: real steps, no real model",
        vocabulary=512, context=256, kinds=("tale",), limits=Limits(whole=500, part=250, abridge=True),
        lessons=1, copy_weight=2.0,
        student=Shape(layers=2, width=64, heads=2, kv_heads=1, ffn=192),
        teacher=Shape(layers=2, width=128, heads=2, kv_heads=1, ffn=256),
        train=Schedule(steps=60, warmup=5, decay=20, batch_tokens=1024, short=((0, 10),)),
        teach=Schedule(steps=60, warmup=5, decay=20, batch_tokens=1024),
        quantize=Schedule(steps=20, warmup=2, decay=15, muon_rate=0.004, adam_rate=0.0006, batch_tokens=1024),
    ),
    "small": Preset(
        about="2.95 million weights, half an hour on two cores (its teacher: longer): what `cpu` grows from",
        vocabulary=5120, context=512, kinds=("tale",), limits=Limits(whole=1400, part=600, abridge=True),
        versions=6, lessons=4, whole_names=True, copy_weight=5.0,
        student=Shape(layers=5, width=192, heads=3, kv_heads=1, ffn=512),
        teacher=Shape(layers=6, width=320, heads=5, kv_heads=5, ffn=832),
        train=Schedule(steps=5000, warmup=60, decay=2000, batch_tokens=3072, short=((0, 400),)),
        teach=Schedule(steps=8000, warmup=60, decay=2000, weight_decay=0.1, batch_tokens=3072),
        quantize=Schedule(steps=240, warmup=10, decay=230, muon_rate=0.003, adam_rate=0.0005, batch_tokens=3072),
    ),
    "cpu": Preset(
        about="3.8 million weights, half an hour more from `small`, an hour from nothing",
        vocabulary=6144, context=512, kinds=("tale",), limits=Limits(whole=1400, part=600, abridge=True),
        more_kinds=("plot",), more_versions=1, given_names=400, rare_names=1000,
        versions=4, lessons=3, whole_names=True, copy_weight=5.0,
        student=Shape(layers=6, width=192, heads=3, kv_heads=3, ffn=512),
        teacher=Shape(layers=6, width=320, heads=5, kv_heads=5, ffn=832),
        train=Schedule(steps=3120, warmup=60, decay=2220, muon_rate=0.015, adam_rate=0.0015, batch_tokens=3072,
                       short=((0, 150), (1490, 1760), (2310, 2430))),
        teach=Schedule(steps=8000, warmup=60, decay=2000, weight_decay=0.1, batch_tokens=3072),
        quantize=Schedule(steps=240, warmup=10, decay=230, muon_rate=0.003, adam_rate=0.0005, batch_tokens=3072),
    ),
    "deep": Preset(
        about="4.7 million weights, half an hour more from `cpu`, an hour and a half from nothing",
        vocabulary=6144, context=512, kinds=("tale",), limits=Limits(whole=1400, part=600, abridge=True),
        more_kinds=("bedtime", "daily"), more_versions=2, given_names=400, rare_names=1000,
        # Copying is learnt; what is left to learn is to hold together, so stories keep the things that they are about.
        versions=3, first_version=4, exchange=False, lessons=1, whole_names=True, copy_weight=2.5,
        student=Shape(layers=8, width=192, heads=3, kv_heads=3, ffn=512),
        teacher=Shape(layers=8, width=320, heads=5, kv_heads=5, ffn=832),
        train=Schedule(steps=2960, warmup=60, decay=1860, muon_rate=0.012, adam_rate=0.0015, weight_decay=0.1,
                       batch_tokens=3072),
        teach=Schedule(steps=8000, warmup=60, decay=2000, weight_decay=0.1, batch_tokens=3072),
        quantize=Schedule(steps=240, warmup=10, decay=230, muon_rate=0.003, adam_rate=0.0005, batch_tokens=3072),
    ),
    "wide": Preset(
        about="the size of `deep`, and three quarters of an hour more with stories of more kinds",
        vocabulary=6144, context=512, kinds=("tale",), limits=Limits(whole=1400, part=600, abridge=True),
        more_kinds=("bedtime", "daily", "story", "campfire"), more_versions=1, given_names=400, rare_names=1000,
        versions=3, exchange=False, lessons=1, plain=0.3, whole_names=True, copy_weight=2.0,
        student=Shape(layers=8, width=192, heads=3, kv_heads=3, ffn=512),
        teacher=Shape(layers=8, width=320, heads=5, kv_heads=5, ffn=832),
        train=Schedule(steps=4000, warmup=60, decay=2800, muon_rate=0.012, adam_rate=0.0015, weight_decay=0.1,
                       batch_tokens=3072),
        teach=Schedule(steps=8000, warmup=60, decay=2000, weight_decay=0.1, batch_tokens=3072),
        quantize=Schedule(steps=240, warmup=10, decay=230, muon_rate=0.003, adam_rate=0.0005, batch_tokens=3072),
    ),
    "gpu": Preset(
        about="22 million weights, three runs of up to ten minutes on one large graphics card",
        vocabulary=8192, context=1024, kinds=("tale", "plot", "daily", "bedtime", "campfire", "story"),
        student=Shape(layers=12, width=384, heads=6, kv_heads=2, ffn=1024),
        teacher=Shape(layers=12, width=768, heads=12, kv_heads=4, ffn=2048),
        # The stories are few for these sizes: about 10 million tokens, seen 12 times by the student, 6 by the teacher.
        train=Schedule(steps=4000, warmup=100, decay=1200, weight_decay=0.1, batch_tokens=32768),
        teach=Schedule(steps=2000, warmup=100, decay=800, muon_rate=0.015, weight_decay=0.3, batch_tokens=32768),
        quantize=Schedule(steps=500, warmup=20, decay=450, muon_rate=0.003, adam_rate=0.0005, batch_tokens=32768),
    ),
}
# Other names and cuts of the same stories, so that what is learnt by heart is not the answer to them.
PRESETS["long"] = replace(
    PRESETS["wide"],
    about="the size of `wide`, and an hour more",
    versions=4, first_version=3,
    train=replace(PRESETS["wide"].train, steps=4420, decay=4300),
)
# The data of `cpu`, whose finished student can be its teacher (`teacher --source`).
PRESETS["mini"] = replace(
    PRESETS["cpu"],
    about="1.6 million weights, taught by the student of `cpu`: ten minutes on two cores",
    student=Shape(layers=4, width=128, heads=2, kv_heads=2, ffn=352),
    teacher=PRESETS["cpu"].student,
    train=Schedule(steps=900, warmup=60, decay=360, batch_tokens=3072, short=((0, 150),)),
    quantize=Schedule(steps=80, warmup=8, decay=72, muon_rate=0.003, adam_rate=0.0005, batch_tokens=3072),
    # At 2, of a vocabulary of 6,144 tokens mostly those are compared that no text has there.
    temperature=1.0,
)
