"""tokenizer.json of Hugging Face's tokenizers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from . import pre_tokenizers as rules
from . import wordpiece
from .vocabulary import ConvertError, Kind, Vocabulary

Part = dict[str, Any]

BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")


def _steps(part: Part | None, inner: str) -> Iterator[Part]:
    """The steps of a part of the tokenizer, which may be a sequence of such parts."""
    if part is None:
        return
    if part["type"] == "Sequence":
        for step in part[inner]:
            yield from _steps(step, inner)
    else:
        yield part


def read(data: Part, pre: str | None = None) -> Vocabulary:
    model = data.get("model") or {}
    normalizers = list(_steps(data.get("normalizer"), "normalizers"))
    pre_tokenizers = list(_steps(data.get("pre_tokenizer"), "pretokenizers"))
    kind = model.get("type") or ("BPE" if "merges" in model else None)
    if kind == "Unigram":
        vocabulary = _unigram(model, normalizers, pre_tokenizers)
    elif kind == "WordPiece":
        vocabulary = _wordpiece(model, normalizers)
    elif kind == "BPE" and model.get("byte_fallback"):
        vocabulary = _sentencepiece_bpe(model, normalizers, pre_tokenizers)
    elif kind == "BPE":
        vocabulary = _byte_level_bpe(model, normalizers, pre_tokenizers, pre)
    else:
        raise ConvertError(f"a tokenizer.json with a model of type {kind}; BPE, Unigram and WordPiece are supported")
    add_tokens(vocabulary, data.get("added_tokens") or [])
    for step in _steps(data.get("post_processor"), "processors"):
        _surround(vocabulary, step)
    return vocabulary


# --- the models ------------------------------------------------------------------------------------


def _listed(vocab: dict[str, int]) -> list[str]:
    tokens = sorted(vocab, key=vocab.__getitem__)
    if [vocab[token] for token in tokens] != list(range(len(tokens))):
        raise ConvertError("the vocabulary's ids are not 0, 1, 2 ...")
    return tokens


def _charsmap(normalizers: list[Part]) -> bytes:
    """The character map, and a complaint about steps that GGUF has no word for."""
    for step in normalizers:
        squeezes = step["type"] == "Replace" and step["pattern"].get("Regex") == " {2,}"
        if step["type"] not in ("Precompiled", "Strip", "Prepend", "Replace") or (
                step["type"] == "Replace" and not squeezes and step["content"] != "\u2581"):
            raise ConvertError(f"a normaliser step that GGUF can't describe: {step['type']}")
    maps = [step["precompiled_charsmap"] for step in normalizers if step["type"] == "Precompiled"]
    return base64.b64decode(maps[0]) if maps and maps[0] else b""


def _joins_spaces(normalizers: list[Part], pre_tokenizers: list[Part]) -> bool:
    return any(step["type"] in ("WhitespaceSplit", "Whitespace") for step in pre_tokenizers) or any(
        step["type"] == "Replace" and step["pattern"].get("Regex") == " {2,}" for step in normalizers)


def _prefixes_space(normalizers: list[Part], pre_tokenizers: list[Part]) -> bool:
    if any(step["type"] == "Prepend" for step in normalizers):
        return True
    return any(step["type"] == "Metaspace" and step.get("prepend_scheme", "always") != "never"
               and step.get("add_prefix_space", True) for step in pre_tokenizers)


def _sentencepiece_kind(token: str, byte_fallback: bool) -> Kind:
    return Kind.BYTE if byte_fallback and BYTE_TOKEN.fullmatch(token) else Kind.NORMAL


def _unigram(model: Part, normalizers: list[Part], pre_tokenizers: list[Part]) -> Vocabulary:
    tokens = [token for token, _ in model["vocab"]]
    kinds = [_sentencepiece_kind(token, model.get("byte_fallback", False)) for token in tokens]
    vocabulary = Vocabulary("t5", tokens, kinds, [score for _, score in model["vocab"]],
                            charsmap=_charsmap(normalizers))
    vocabulary.mark(model.get("unk_id"), "unknown")
    vocabulary.flags = {
        "add_bos_token": False,
        "add_eos_token": False,
        "add_space_prefix": _prefixes_space(normalizers, pre_tokenizers),
        "remove_extra_whitespaces": _joins_spaces(normalizers, pre_tokenizers),
    }
    return vocabulary


def _sentencepiece_bpe(model: Part, normalizers: list[Part], pre_tokenizers: list[Part]) -> Vocabulary:
    tokens = _listed(model["vocab"])
    scores = [0.0] * len(tokens)
    for rank, merge in reversed(list(enumerate(model["merges"]))):  # a token's best merge is its score
        pair = merge.split(" ") if isinstance(merge, str) else merge
        scores[model["vocab"]["".join(pair)]] = -float(rank)
    kinds = [_sentencepiece_kind(token, True) for token in tokens]
    vocabulary = Vocabulary("llama", tokens, kinds, scores, charsmap=_charsmap(normalizers))
    if model.get("unk_token") in model["vocab"]:
        vocabulary.mark(model["vocab"][model["unk_token"]], "unknown")
    vocabulary.flags = {
        "add_bos_token": False,
        "add_eos_token": False,
        "add_space_prefix": _prefixes_space(normalizers, pre_tokenizers),
    }
    return vocabulary


def _wordpiece(model: Part, normalizers: list[Part]) -> Vocabulary:
    step = normalizers[0] if len(normalizers) == 1 else {"type": "none or several"}
    if step["type"] != "BertNormalizer" or not (step["clean_text"] and step["handle_chinese_chars"]):
        raise ConvertError(f"WordPiece with another normaliser than BERT's: {step['type']}")
    return wordpiece.build(_listed(model["vocab"]), step["lowercase"], step["strip_accents"],
                           model["continuing_subword_prefix"])


def _byte_level_bpe(model: Part, normalizers: list[Part], pre_tokenizers: list[Part], pre: str | None) -> Vocabulary:
    kinds = [step["type"] for step in normalizers]
    if kinds in ([], ["NFC"]):
        pre = pre or rules.name_of(pre_tokenizers, kinds == ["NFC"], model.get("ignore_merges") or False)
    if pre is None:
        raise ConvertError("a pre-tokenizer that is not known; name it with --pre. "
                           f"It is {pre_tokenizers}, normalised by {kinds or 'nothing'}")
    tokens = _listed(model["vocab"])
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return Vocabulary("gpt2", tokens, [Kind.NORMAL] * len(tokens), merges=merges, pre=pre,
                      flags={"add_bos_token": False, "add_eos_token": False})


# --- what comes on top -----------------------------------------------------------------------------


def add_tokens(vocabulary: Vocabulary, added: list[Part]) -> None:
    """Tokens with an id, a content and whether they are special, over or after the model's own."""
    for token in sorted(added, key=lambda token: token["id"]):
        place = token["id"]
        vocabulary.pad(place + 1)
        vocabulary.tokens[place] = token["content"]
        if vocabulary.scores is not None and not token["special"]:
            vocabulary.scores[place] = -1000.0  # tells it from SentencePiece's own user-defined tokens
        if vocabulary.kinds[place] is not Kind.UNKNOWN:
            vocabulary.kinds[place] = Kind.CONTROL if token["special"] else Kind.USER_DEFINED


def _surround(vocabulary: Vocabulary, step: Part) -> None:
    """A post-processor's tokens before and after a text."""
    if step["type"] in ("BertProcessing", "RobertaProcessing"):
        before, after = step["cls"][1], step["sep"][1]
    elif step["type"] == "TemplateProcessing":
        items = step["single"]
        text = next(i for i, item in enumerate(items) if "Sequence" in item)
        ids = {name: token["ids"][0] for name, token in step["special_tokens"].items()}
        first, last = items[:text], items[text + 1 :]
        if len(first) > 1 or len(last) > 1:
            raise ConvertError("the post-processor puts more than one token before or after a text")
        before = ids[first[0]["SpecialToken"]["id"]] if first else None
        after = ids[last[0]["SpecialToken"]["id"]] if last else None
    else:
        return
    vocabulary.mark(before, "bos")
    vocabulary.flags["add_bos_token"] = before is not None
    if vocabulary.family == "bert":
        vocabulary.mark(after, "seperator")
        vocabulary.flags["add_sep_token"] = after is not None
    else:
        vocabulary.mark(after, "eos")
        vocabulary.flags["add_eos_token"] = after is not None
