"""The command line of tools/convert."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import adapter, families, model, numbers, sources, write
from .vocabulary import ConvertError


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/convert", description="Converts models' parts to GGUF.")
    commands = parser.add_subparsers(dest="command", required=True)
    tokenizer = commands.add_parser(
        "tokenizer", help="a tokenizer alone",
        description="Writes a GGUF file that holds a tokenizer and no tensors.")
    tokenizer.add_argument("source", type=Path,
                           help="a Hugging Face folder, tokenizer.json, SentencePiece .model or .spm, or vocab.txt")
    tokenizer.add_argument("out", type=Path, help="the GGUF file to write")
    tokenizer.add_argument("--name", help="general.name (default: the source's)")
    tokenizer.add_argument("--architecture", help="general.architecture (default: from config.json, or by the family)")
    tokenizer.add_argument("--pre", help="the pre-tokenizer of a byte-level BPE, where its rules are not known")
    case = tokenizer.add_mutually_exclusive_group()
    case.add_argument("--cased", dest="lower_case", action="store_false", default=None,
                      help="vocab.txt keeps case and accents (default: if it has capitals)")
    case.add_argument("--uncased", dest="lower_case", action="store_true")
    whole = commands.add_parser(
        "model", help="a model, tokenizer included",
        description="Writes a model of a Hugging Face folder (safetensors, config.json, a tokenizer) to GGUF. "
                    f"Families: {', '.join(sorted(families.FAMILIES))}.")
    whole.add_argument("source", type=Path, metavar="folder", help="the model's folder")
    whole.add_argument("out", type=Path, help="the GGUF file to write")
    whole.add_argument("--type", choices=numbers.TYPES,
                       help="of the matrices (default: what they are stored in); the rest is f32")
    whole.add_argument("--name", help="general.name (default: the folder's)")
    whole.add_argument("--pre", help="the pre-tokenizer of a byte-level BPE, where its rules are not known")
    lora = commands.add_parser(
        "adapter", help="a LoRA adapter",
        description="Writes a LoRA adapter of a PEFT folder (adapter_model.safetensors, adapter_config.json) to GGUF, "
                    "for `inkling --lora` and llama.cpp.")
    lora.add_argument("source", type=Path, metavar="folder", help="the adapter's folder")
    lora.add_argument("out", type=Path, help="the GGUF file to write")
    lora.add_argument("--base", type=Path, help="the model it belongs to, as GGUF or a Hugging Face folder "
                                                "(default: the folder that adapter_config.json names)")
    lora.add_argument("--type", choices=numbers.TYPES, default="f32", help="of the matrices (default: f32)")
    arguments = parser.parse_args()
    try:
        if arguments.command == "model":
            model.convert(arguments.source, arguments.out, numbers.TYPES.get(arguments.type), arguments.name,
                          arguments.pre)
        elif arguments.command == "adapter":
            adapter.convert(arguments.source, arguments.out, arguments.base, numbers.TYPES[arguments.type])
        else:
            vocabulary = sources.read(arguments.source, pre=arguments.pre, lower_case=arguments.lower_case)
            write.write(vocabulary, arguments.out, name=arguments.name or arguments.source.stem,
                        architecture=arguments.architecture)
    except (ConvertError, OSError, ValueError) as error:
        print(f"convert: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
