"""The conversations that every chat template is rendered with."""

from __future__ import annotations

from typing import Any

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city's name, e.g. \"서울\""},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            },
            "required": ["city"],
        },
        "return": {"type": "number", "description": "degrees"},
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search documents.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "description": "How many", "default": 10},
                "exact": {"type": "boolean"},
                "weights": {"type": "array", "items": {"type": "number"}},
                "filter": {"type": "object", "properties": {"year": {"type": ["integer", "null"]}}},
            },
            "required": ["query", "limit"],
        },
    },
}


def message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def call(name: str, arguments: Any, id: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def conversation(messages: list[dict[str, Any]], prompt: bool = True, **more: Any) -> dict[str, Any]:
    return {"messages": messages, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>", **more}


SYSTEM = message("system", "You are a helpful assistant.")
TURNS = [message("user", "Hello, how are you?"), message("assistant", "I'm fine. How can I help you?"),
         message("user", "Tell me a joke.")]
KOREAN = [message("system", "당신은 친절한 도우미입니다."), message("user", "안녕하세요! 오늘 날씨 어때요?"),
          message("assistant", "  맑고 따뜻해요. ☀️\n"), message("user", "고마워요 👩‍👩‍👧")]
CALLED = [message("user", "What's the weather in Seoul?"),
          message("assistant", "", tool_calls=[call("get_weather", {"city": "서울", "unit": "celsius"}, "abc123DEF")]),
          message("tool", "{\"temperature\": 21.5}", name="get_weather", tool_call_id="abc123DEF")]

CONVERSATIONS: dict[str, dict[str, Any]] = {
    "user": conversation([message("user", "Hi")]),
    "user-no-prompt": conversation([message("user", "Hi")], False),
    "system": conversation([SYSTEM, message("user", "Hi")]),
    "turns": conversation(TURNS, False),
    "turns-system": conversation([SYSTEM, *TURNS]),
    "turns-answered": conversation([SYSTEM, *TURNS, message("assistant", "Knock, knock.")], False),
    "korean": conversation(KOREAN),
    "tools": conversation([SYSTEM, message("user", "Find papers.")], tools=[WEATHER, SEARCH]),
    "tool-result": conversation(CALLED, tools=[WEATHER]),
    "tool-answered": conversation([SYSTEM, *CALLED, message("assistant", "It's 21.5 °C."), message("user", "Thanks")],
                                  False, tools=[WEATHER, SEARCH]),
    "tool-calls": conversation(
        [message("user", "Both, please"),
         message("assistant", None, tool_calls=[call("search", "{\"query\": \"a\\\"b\", \"limit\": 3}", "id0000001"),
                                                call("get_weather", {"city": "Paris", "n": [1, 2.5, None, True]},
                                                     "id0000002")]),
         message("tool", {"found": ["x", "y"], "n": 2}, tool_call_id="id0000001", name="search"),
         message("tool", "20", tool_call_id="id0000002", name="get_weather")], tools=[WEATHER, SEARCH]),
    "empty": conversation([message("system", ""), message("user", ""), message("assistant", " \n"),
                           message("user", "\n\t x \n")]),
    "parts": conversation([message("user", [{"type": "text", "text": "What is this?"}, {"type": "image"}]),
                           message("assistant", [{"type": "text", "text": "A cat."}]),
                           message("user", [{"type": "image", "url": "cat.png"}, {"type": "text", "text": "여기는?"}])]),
    "thinking": conversation(
        [message("user", "1+1?"), message("assistant", "<think>\nEasy.\n</think>\n\n2", reasoning_content="Easy."),
         message("user", "2+2?"), message("assistant", "<think>hm</think>4"), message("user", "Sure?")],
        enable_thinking=False, thinking=True),
    "documents": conversation(
        [message("user", "Who wrote it?", name="alice")], unk_token="<unk>", pad_token="<pad>", date_string="01 Jan 2025",
        documents=[{"title": "A", "text": "Ann wrote it.", "doc_id": 1}, {"title": "나", "text": "B <b>&amp;</b>"}]),
    "odd-text": conversation([message("system", "{{ x }} {% if %} {# #} 'single' \"double\" \\ <|im_end|>"),
                              message("user", "tab\t, nul-free \u0001 control, é ß Ⅷ ﬁ, \u2028 line, 한글 조합"),
                              message("assistant", "{\"a\": [1, 2]}"), message("user", "끝\r\n\n")]),
    "roles": conversation([message("developer", "Be brief."), message("User", "Hi"), message("function", "{}", name="f"),
                           message("assistant", "ok")]),
    "two-systems": conversation([SYSTEM, message("user", "a"), message("system", "b"), message("assistant", "c"),
                                 message("assistant", "d"), message("user", "e")]),
    "none": conversation([]),
}
