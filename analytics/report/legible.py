"""Texts of a log as they can be read and drawn, whatever they hold."""

from __future__ import annotations


def legible(text: str, longest: int) -> str:
    """Give a text in one line of at most so many characters.

    What can't be seen is named by its code, as some of it would turn the order of the characters behind it.
    """
    line = " ".join(text.split())
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in line)
