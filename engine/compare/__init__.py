"""Runs side by side: what each came to, whether a difference is real, and the answer in words."""

from engine.compare.room import Compare

__all__ = ["Compare"]
