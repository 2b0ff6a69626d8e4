"""template, chat templates by name and from a file, and few-shot examples."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hosts import DATA, Host

FLAGS = ["-n", "8", "--temp", "0", "--json"]
MESSAGES = [{"role": "system", "content": "짧게 답하세요."}, {"role": "user", "content": "Hi 안녕"}]
CHATML = ("<|im_start|>system\n짧게 답하세요.<|im_end|>\n<|im_start|>user\nHi 안녕<|im_end|>\n"
          "<|im_start|>assistant\n")


def conversation(**more: Any) -> bytes:
    return json.dumps({"messages": MESSAGES, "add_generation_prompt": True, **more}, ensure_ascii=False).encode()


def in_folder(host: Host, folder: Path) -> Host:
    return host.showing(folder)


def test_the_models_own_template(host: Host, tiny_q: Path) -> None:
    assert host.ok("template", "-m", tiny_q, stdin=conversation()).text == CHATML


def test_built_in_templates(host: Host) -> None:
    assert host.ok("template", "--chat-template", "chatml", stdin=conversation()).text == CHATML
    gemma = host.ok("template", "--chat-template", "gemma", stdin=conversation(bos_token="<bos>")).text
    assert gemma == ("<bos><start_of_turn>user\n짧게 답하세요.\n\nHi 안녕<end_of_turn>\n<start_of_turn>model\n")


def test_a_template_from_a_file(host: Host, tiny_q: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{{ extra | tojson }}")
    there = in_folder(host, tmp_path)
    expected = "[system] 짧게 답하세요.\n[user] Hi 안녕\n{\"a\": [1, \"나\"]}"
    stdin = conversation(extra={"a": [1, "나"]})
    assert there.ok("template", "--template", path, stdin=stdin).text == expected
    assert there.ok("template", "--chat-template", path, stdin=stdin).text == expected
    assert there.ok("template", "-m", tiny_q, "--template", path, stdin=stdin).text.endswith(expected)


def test_tokens(host: Host, tiny_q: Path) -> None:
    prompts = [host.ok("template", "-m", tiny_q, stdin=conversation(add_generation_prompt=more)).out
               for more in (True, False)]
    ids = [host.ok("tokenize", "-m", tiny_q, "--special", stdin=prompt).text for prompt in prompts]
    lines = conversation() + b"\r\n \n" + conversation(add_generation_prompt=False)
    assert host.ok("template", "-m", tiny_q, "--tokens", stdin=lines).text == "".join(ids)
    assert host.ok("template", "-m", tiny_q, "--tokens", stdin=b"\n").text == ""


def test_tokens_begin_as_in_chat(native: Host, stories: Path) -> None:
    """The model wants a BOS; the template writes one, or leaves it to the tokenizer: it is there once."""
    for template in ("llama2", "alpaca"):
        out = native.ok("template", "-m", stories, "--chat-template", template, "--tokens", stdin=conversation()).text
        assert out.split()[0] == "1" and out.split()[1] != "1", template


def test_tokens_of_a_broken_line(native: Host, tiny_q: Path) -> None:
    lines = conversation() + b"\n{}\n"
    result = native.run("template", "-m", tiny_q, "--tokens", stdin=lines)
    assert result.status == 1 and result.out.count(b"\n") == 1
    assert result.complaint.startswith("inkling: the conversation on line 2: ")


def test_tools(host: Host) -> None:
    tools = [{"type": "function", "function": {"name": "날씨", "parameters": {"type": "object", "properties": {}}}}]
    template = DATA / "templates" / "meta-llama-llama-3.1-8b-instruct.jinja"
    prompt = host.ok("template", "--template", template, stdin=conversation(tools=tools, bos_token="<s>")).text
    assert prompt.startswith("<s><|start_header_id|>system") and '"name": "날씨"' in prompt


def test_todays_date(native: Host, tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("{{ strftime_now('%A, %d %b %Y') }}")
    before = time.strftime("%A, %d %b %Y")
    found = native.ok("template", "--template", path, stdin=conversation()).text
    assert found in (before, time.strftime("%A, %d %b %Y"))


def test_a_template_that_fails(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("a\n{% for m in messages %}\n{{ raise_exception('역할은 ' ~ m.role) }}\n{% endfor %}")
    there = in_folder(host, tmp_path)
    assert there.fails("template", "--template", path, stdin=conversation()) == \
        "inkling: the chat template, line 3: 역할은 system (INK_ERR_TEMPLATE)"
    path.write_text("{% for i in range(99999) %}{% for j in range(99999) %}{{ i * j }}{% endfor %}{% endfor %}")
    assert there.fails("template", "--template", path, stdin=conversation()).endswith("(INK_ERR_TEMPLATE)")


@pytest.mark.parametrize("stdin", [b"", b"[]", b"{}", b'{"messages":[}', b"\xff"])
def test_what_is_no_conversation(native: Host, stdin: bytes) -> None:
    assert native.fails("template", "--chat-template", "chatml", stdin=stdin).endswith("(INK_ERR_INVALID_JSON)")


def test_usage(native: Host, tiny_q: Path) -> None:
    assert native.run("template").status == 2
    assert native.run("template", "--chat-template", "chatml", "--tokens").status == 2
    assert native.run("template", "--template", "x", "--chat-template", "chatml").status == 2
    assert native.run("run", "-m", tiny_q, "--chat-template", "chatml").status == 2
    assert native.fails("template", "--chat-template", "no-such-name", stdin=conversation()).endswith("(INK_ERR_IO)")


# ---- chat and run ----

def write_examples(folder: Path, *lines: str) -> Path:
    path = folder / "examples.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_chat_with_another_template(host: Host, tiny_q: Path) -> None:
    found = host.ok("chat", "-m", tiny_q, "--chat-template", "alpaca", "-p", "Hi", *FLAGS).json
    prompt = host.ok("template", "-m", tiny_q, "--chat-template", "alpaca",
                     stdin=b'{"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":true}').text
    assert found["tokens"] == host.ok("-m", tiny_q, "-p", prompt, *FLAGS).json["tokens"]


def test_examples_in_chat(host: Host, tiny_q: Path, tmp_path: Path) -> None:
    path = write_examples(tmp_path, '{"role":"user","content":"프랑스?"}', "", '{"role":"assistant","content":"파리"}')
    found = in_folder(host, tmp_path).ok("chat", "-m", tiny_q, "-s", "S", "--examples", path, "-p", "한국?", *FLAGS).json
    turns = [("system", "S"), ("user", "프랑스?"), ("assistant", "파리"), ("user", "한국?")]
    prompt = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"
    expected = host.ok("-m", tiny_q, "-p", prompt, *FLAGS).json
    assert (found["tokens"], found["usage"]) == (expected["tokens"], expected["usage"])


def test_examples_in_run(host: Host, stories: Path, tmp_path: Path) -> None:
    path = write_examples(tmp_path, '{"role":"system","content":"Opposites"}', '{"role":"user","content":"big"}',
                          '{"role":"assistant","content":"small"}')
    found = in_folder(host, tmp_path).ok("-m", stories, "--examples", path, "-p", "hot", *FLAGS).json
    expected = host.ok("-m", stories, "-p", "Opposites\n\nbig\nsmall\n\nhot\n", *FLAGS).json
    assert (found["tokens"], found["usage"]) == (expected["tokens"], expected["usage"])


@pytest.mark.parametrize("line", ["{", '{"role":"user"}', '{"role":1,"content":"x"}', "[]", '{"role":"user","content":null}', "{} {}"])
def test_bad_examples_name_the_line(native: Host, tiny_q: Path, tmp_path: Path, line: str) -> None:
    path = write_examples(tmp_path, '{"role":"user","content":"x"}', "", line)
    for command in (["chat"], []):
        complaint = native.fails(*command, "-m", tiny_q, "--examples", path, "-p", "x")
        assert complaint.startswith("inkling: the examples, line 3: ") and complaint.endswith("(INK_ERR_INVALID_JSON)")
