"""Prints what compare.py's rules say of a few texts."""

import json

from distill.compare import Answer, has_namesake, pairs, repeated
from distill.instructions import Record

RECORD = Record("write", "tale", "Write a story about Anna with a kite.", "", ("Anna", "kite"))
TEXTS = ("A girl named Anna saw a kite. \"I'm Ben,\" said the boy. Anna smiled.",
         "A girl named Anna saw a kite. \"My name is Anna,\" said the boy.",
         "There was a girl named Anna. \"Look, Anna!\" said Anna.",
         "Anna and Anna saw a kite.")
ANSWERS = [Answer("worst", True, 3.0), Answer("out", True, None), Answer("best", True, 1.0),
           Answer("cut short", False, None), Answer("second", True, 2.0)]
print(json.dumps({
    "namesakes": [has_namesake(RECORD, text) for text in TEXTS],
    "repeated": [repeated("one two three four five"), repeated("a b c d a b c d")],
    "pairs": [record.answer for record in pairs(RECORD, ANSWERS, lambda record: True)],
    "short": [record.answer for record in pairs(RECORD, ANSWERS, lambda record: record.answer != "out")],
}))
