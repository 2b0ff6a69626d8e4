"""Finding out what a source is, and reading what lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import huggingface, sentencepiece, wordpiece
from .json_file import read_object
from .vocabulary import ConvertError, Vocabulary

KNOWN_FILES = ["tokenizer.json", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "vocab.txt"]


def _content(token: Any) -> str | None:
    """A token of tokenizer_config.json: a string, or an object that describes one."""
    return token.get("content") if isinstance(token, dict) else token


def _added_tokens(source: Path, config: dict[str, Any]) -> list[dict[str, Any]]:
    """What Hugging Face adds to a SentencePiece model, in files beside it."""
    added = [{"id": place, "content": token, "special": False}
             for token, place in read_object(source.with_name("added_tokens.json")).items()]
    described = config.get("added_tokens_decoder") or {}
    return added + [{"id": int(place), "content": token["content"], "special": bool(token.get("special"))}
                    for place, token in described.items()]


def read(source: Path, pre: str | None = None, lower_case: bool | None = None) -> Vocabulary:
    if source.is_dir():
        found = [source / name for name in KNOWN_FILES if (source / name).exists()]
        if not found:
            raise ConvertError(f"{source} has none of {', '.join(KNOWN_FILES)}")
        source = found[0]
    config = read_object(source.with_name("tokenizer_config.json"))
    if source.suffix == ".json":
        try:
            vocabulary = huggingface.read(read_object(source), pre)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ConvertError(f"{source} is not as tokenizers writes it: {error!r}") from error
    elif source.suffix == ".txt":
        vocabulary = wordpiece.read(source, config.get("do_lower_case") if lower_case is None else lower_case,
                                    config.get("strip_accents"))
    elif source.suffix in (".model", ".spm"):
        vocabulary = sentencepiece.read(source.read_bytes())
        huggingface.add_tokens(vocabulary, _added_tokens(source, config))
    else:
        raise ConvertError(f"{source} is no tokenizer that is known by its name: give one of {', '.join(KNOWN_FILES)}")
    _apply_config(vocabulary, config)
    template = source.with_name("chat_template.jinja")
    if template.exists():
        vocabulary.chat_template = template.read_text(encoding="utf-8")
    vocabulary.architecture = read_object(source.with_name("config.json")).get("model_type")
    return vocabulary


def _apply_config(vocabulary: Vocabulary, config: dict[str, Any]) -> None:
    """tokenizer_config.json: the names of special tokens, what belongs around a text, the chat template."""
    places = {token: i for i, token in enumerate(vocabulary.tokens)}
    roles = {"bos": "bos", "eos": "eos", "unk": "unknown", "sep": "seperator", "pad": "padding", "cls": "cls", "mask": "mask"}
    for theirs, ours in roles.items():
        token = _content(config.get(f"{theirs}_token"))
        if token in places:
            vocabulary.mark(places[token], ours)
    for flag in ("add_bos_token", "add_eos_token"):
        if isinstance(config.get(flag), bool):
            vocabulary.flags[flag] = config[flag]
    template = config.get("chat_template")
    if isinstance(template, list):  # several by name
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    if isinstance(template, str):
        vocabulary.chat_template = template


# Tokens that end a turn rather than the text, by the names that models give them.
END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|endofturn|>", "</s>")
END_OF_MESSAGE = ("<|eom_id|>",)


def apply_generation_config(vocabulary: Vocabulary, folder: Path) -> None:
    """The tokens that end an answer besides the tokenizer's own, which fills in where it names none."""
    config, generation = read_object(folder / "config.json"), read_object(folder / "generation_config.json")
    ends = generation.get("eos_token_id", config.get("eos_token_id"))
    ends = [end for end in (ends if isinstance(ends, list) else [ends])
            if isinstance(end, int) and 0 <= end < len(vocabulary.tokens)]
    for name, tokens in (("eos", ends), ("bos", [config.get("bos_token_id")])):
        if name not in vocabulary.ids and tokens and isinstance(tokens[0], int):
            if 0 <= tokens[0] < len(vocabulary.tokens):
                vocabulary.mark(tokens[0], name)
    for role, names in (("eot", END_OF_TURN), ("eom", END_OF_MESSAGE)):
        token = next((end for end in ends if vocabulary.tokens[end] in names
                      and end != vocabulary.ids.get("eos")), None)
        vocabulary.mark(token, role)
