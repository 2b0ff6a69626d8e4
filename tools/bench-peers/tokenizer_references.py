"""A GGUF file's vocabulary as Hugging Face's tokenizers run it, set up as its models' tokenizer.json are."""

from __future__ import annotations

import sys
from pathlib import Path

from gguf import GGUFReader
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

from check_bpe import load  # noqa: E402

SPACE = "\u2581"


class Fields:
    """The values below tokenizer.ggml."""

    def __init__(self, path: Path) -> None:
        self.reader = GGUFReader(path)

    def get(self, key: str, default: object = None):
        field = self.reader.get_field(f"tokenizer.ggml.{key}")
        return default if field is None else field.contents()


def byte_level_bpe(path: Path) -> Tokenizer:
    vocabulary, pre = load(path)
    return vocabulary.reference(pre)


def sentencepiece_bpe(fields: Fields) -> Tokenizer:
    """As transformers converts Llama 2's: a merge for each way to make a token of two, the likeliest token first."""
    tokens, scores = fields.get("tokens"), fields.get("scores")
    ids = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token, score in zip(tokens, scores):
        parts = ((token[:i], token[i:]) for i in range(1, len(token)))
        known = [(left, right) for left, right in parts if left in ids and right in ids]
        known.sort(key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        merges += [(score, len(left), len(right), left, right) for left, right in known]
    merges.sort(key=lambda merge: merge[:3], reverse=True)
    model = models.BPE(ids, [merge[3:] for merge in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    prepend = [normalizers.Prepend(SPACE)] if fields.get("add_space_prefix", True) else []
    tokenizer.normalizer = normalizers.Sequence([*prepend, normalizers.Replace(" ", SPACE)])
    return tokenizer


def unigram(fields: Fields) -> Tokenizer:
    """As transformers converts T5's and XLM-R's, but that only spaces are trimmed, as SentencePiece does it."""
    pieces = list(zip(fields.get("tokens"), fields.get("scores")))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=fields.get("unknown_token_id")))
    charsmap = fields.get("precompiled_charsmap")
    precompiled = [normalizers.Precompiled(bytes(charsmap))] if charsmap else []
    spaces = [normalizers.Replace(Regex(" +$"), ""), normalizers.Replace(Regex(" {2,}"), SPACE)]
    tokenizer.normalizer = normalizers.Sequence([*precompiled, *spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    return tokenizer


def wordpiece(fields: Fields) -> Tokenizer:
    def original(token: str) -> str:  # GGUF marks the beginnings of words, BERT what goes on
        return token[1:] if token.startswith(SPACE) else token if token.startswith("[") else f"##{token}"

    ids = {original(token): i for i, token in enumerate(fields.get("tokens"))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    lowercase = fields.get("normalizer.lowercase", True)
    accents = fields.get("normalizer.strip_accents", lowercase)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=accents)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def reference(path: Path) -> tuple[str, Tokenizer]:
    """The family's name, and the tokenizer."""
    fields = Fields(path)
    kind = fields.get("model")
    if kind == "gpt2":
        return "byte-level BPE", byte_level_bpe(path)
    if kind == "llama":
        return "SentencePiece BPE", sentencepiece_bpe(fields)
    if kind == "t5":
        return "Unigram", unigram(fields)
    if kind == "bert":
        return "WordPiece", wordpiece(fields)
    raise ValueError(f"{path}: no reference for a tokenizer of kind {kind!r}")
