"""jinja2 as Hugging Face's transformers sets it up for chat templates.

Written after transformers' documentation and behaviour: sandboxed and immutable, trim_blocks and
lstrip_blocks, `break` and `continue`, `{% generation %}`, tojson without HTML escapes.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """{% generation %}: what the assistant wrote. To the text it makes no difference."""

    tags = {"generation"}

    def parse(self, parser: Any) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Any) -> str:
        return caller()


def environment(now: datetime) -> jinja2.Environment:
    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    def tojson(x: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None,
               sort_keys: bool = False) -> str:
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = now.strftime
    return env


def render(template: str, variables: dict[str, Any], now: datetime) -> str | None:
    """The prompt, or None where jinja2 raises anything or what it gives is no text."""
    defaults = {"tools": None, "documents": None, "add_generation_prompt": False}
    try:
        text = environment(now).from_string(template).render({**defaults, **variables})
        text.encode()
        return text
    except Exception:  # whatever Python raises inside of a template
        return None
