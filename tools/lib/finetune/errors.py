"""What the user can mend."""

from __future__ import annotations


class FinetuneError(Exception):
    """The message is for the user: what is wrong, where, and what to do."""
