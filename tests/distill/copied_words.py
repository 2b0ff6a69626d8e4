"""Prints the words that copied_words() finds in two answers."""

import json

from distill.data import copied_words
from distill.instructions import Record

WRITE = Record("write", "tale", "Write a story about Anna with a kite.",
               "Once, Anna had two kites. A boy named Ben saw Anna.", ("Anna", "kite"))
ASK = Record("question", "tale", "Ben was in a big town.\n\nWhere does this story take place?",
             "It takes place in a big town.", ())
print(json.dumps([[record.answer[start:end] for start, end in copied_words(record)] for record in (WRITE, ASK)]))
