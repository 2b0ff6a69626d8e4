"""Prompts of the SmolLM2 golden: English, code, Korean, long, and chats."""

COMPLETIONS: dict[str, str] = {
    "english": "The history of the printing press begins in",
    "story": "Once upon a time, in a small village by the sea, there lived",
    "code": 'def fibonacci(n: int) -> int:\n    """Return the n-th Fibonacci number."""\n',
    "html": "<!DOCTYPE html>\n<html>\n<head>\n  <title>",
    "numbers": "1, 2, 4, 8, 16, 32,",
    "korean": "대한민국의 수도는",
    "long": """A lighthouse keeper's day is ruled by the light. Before dusk the keeper climbs the stair with oil, a cloth and \
a pair of scissors. The lens must be wiped until no fingerprint shows, for a smear the size of a coin can hide the light \
from a ship ten miles away. The wick is trimmed square, the lamp is filled, and the clockwork that turns the lens is wound. \
Then the keeper lights the lamp and watches the flame until it burns steady and white.

Through the night the work is mostly waiting. Every four hours the clockwork must be wound again. When fog comes in from \
the sea the bell has to be rung, once every thirty seconds, for as long as the fog lasts. On some nights that means ringing \
until morning. The keeper writes down the hour the lamp was lit, the direction of the wind, the height of the sea, and the \
name of every ship that passes close enough to be read through the glass.

At sunrise the lamp is put out and a curtain is drawn around the lens, because the sun shining through it could start a \
fire as surely as a magnifying glass. Breakfast follows, then sleep, then painting. There is always painting to be done, \
since salt air eats iron and wood alike. In the afternoon the keeper walks the cliff to see that nothing has washed ashore, \
and on Saturdays the supply boat comes with flour, coal, letters and news.

In short, the most important duties of a lighthouse keeper are""",
}

CHATS: dict[str, list[dict[str, str]]] = {
    "chat-capital": [{"role": "user", "content": "What is the capital of France?"}],
    "chat-system": [
        {"role": "system", "content": "You are a pirate. Answer in one short sentence."},
        {"role": "user", "content": "How do I boil an egg?"},
    ],
    "chat-turns": [
        {"role": "user", "content": "Name a fruit."},
        {"role": "assistant", "content": "Apple."},
        {"role": "user", "content": "Name another one, and say what colour it is."},
    ],
    "chat-code": [{"role": "user", "content": "Write a JavaScript function that reverses a string."}],
    "chat-korean": [{"role": "user", "content": "안녕하세요! 오늘 날씨가 어때요? 😀"}],
}
