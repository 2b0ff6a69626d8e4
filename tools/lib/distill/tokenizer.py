"""Step `tokenizer`: a byte-level BPE of our own, with SmolLM2's pre-tokenizer and special tokens."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from .instructions import Record
from .prepare import read_lines, read_names
from .presets import Preset

# As in SmolLM2: `smollm` is the name that llama.cpp and Inkling know this pre-tokenizer by.
PRE_TOKENIZER = "smollm"
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (END_OF_TEXT, START, END)
NAME_WEIGHT = 1000  # times that the tokenizer sees each name, with a space before it and without: enough for a token
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_tokenizer(preset: Preset, work: Path) -> None:
    tokenizer = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=preset.vocabulary, special_tokens=list(SPECIAL), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    # Versions of a story differ little: one of so many records is enough.
    lines = read_lines(work / "train.jsonl")[:: preset.versions]
    texts = [text for line in lines for text in (line.prompt, line.answer)]
    if preset.whole_names:
        # A name that is one token is copied in one step, without being spelled.
        for name in read_names(work):
            texts.append(f"{name}\n {name}\n" * NAME_WEIGHT)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(work / "tokenizer.json"))
    print(f"{tokenizer.get_vocab_size()} tokens")


def extend_tokenizer(source: Path, preset: Preset, work: Path) -> None:
    """The tokenizer of the work folder `source` with names of this one as further tokens, until the vocabulary is full.

    What it was stays as it was: the merges of a name's pieces come after all others.
    """
    tokenizer = load_tokenizer(source)
    state = json.loads(tokenizer.to_str())
    vocabulary, merges = state["model"]["vocab"], state["model"]["merges"]
    for name in read_names(work):
        for text in (" " + name, name):
            pieces = tokenizer.encode(text).tokens
            while len(pieces) > 1:
                pair, joined = pieces[:2], pieces[0] + pieces[1]
                if joined not in vocabulary:
                    if len(vocabulary) == preset.vocabulary:
                        break
                    vocabulary[joined] = len(vocabulary)
                if pair not in merges:
                    merges.append(pair)
                pieces = [joined, *pieces[2:]]
    Tokenizer.from_str(json.dumps(state)).save(str(work / "tokenizer.json"))
    print(f"{len(vocabulary)} tokens")


def load_tokenizer(work: Path) -> Tokenizer:
    return Tokenizer.from_file(str(work / "tokenizer.json"))


def encode_plain(tokenizer: Tokenizer, text: str) -> list[int]:
    """The text's tokens; a special token's name in it is plain text."""
    tokenizer.encode_special_tokens = True
    ids: list[int] = tokenizer.encode(text).ids
    return ids


def encode_record(tokenizer: Tokenizer, record: Record) -> tuple[list[int], int]:
    """A record's tokens with the template and the end, and how many of them stand before the answer.

    Without a prompt they are those of the text alone, so that a student knows text that has no template too.
    """
    if not record.prompt:
        return encode_plain(tokenizer, record.answer), 0
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    newline = encode_plain(tokenizer, "\n")
    before = [start, *encode_plain(tokenizer, "user\n" + record.prompt), end, *newline,
              start, *encode_plain(tokenizer, "assistant\n")]
    return [*before, *encode_plain(tokenizer, record.answer), end], len(before)


def vocabulary_lists(work: Path) -> tuple[list[str], list[str]]:
    """Token texts by id, and merges in rank order, as GGUF has them."""
    model = json.loads((work / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return tokens, [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]


def save_tokenizer(tokens: list[str], merges: list[str], work: Path) -> None:
    """What vocabulary_lists() gives, as the work folder's tokenizer."""
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = byte_level(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=pairs))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(work / "tokenizer.json"))
