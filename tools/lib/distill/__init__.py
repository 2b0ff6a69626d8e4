"""Makes a small model of our own: data, tokenizer, training with a teacher, quantisation-aware, export, evaluation."""


class DistillError(Exception):
    """A step can't be done; the message is for the user."""
