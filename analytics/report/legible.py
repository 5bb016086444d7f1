"""Texts of a log as they can be read and drawn, whatever they hold."""

from __future__ import annotations

import re

# Unicode's Default_Ignorable_Code_Point as far as Python takes it for printable, and the empty Braille pattern.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def legible(text: str, longest: int) -> str:
    """Give a text in one line of at most so many characters.

    What can't be seen is named by its code: some of it would turn the order of the characters behind it, and a name of
    nothing else would be none.
    """
    line = " ".join(text.split()) or text
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    is_blank = not line.strip()
    return "".join(
        f"\\u{ord(one):04x}" if is_blank or not one.isprintable() or _UNSEEN.match(one) else one for one in line
    )
