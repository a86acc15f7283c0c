"""Any text as LaTeX that prints it: ASCII alone, so that neither engine, font nor encoding can refuse it."""

from __future__ import annotations

import unicodedata

SPECIALS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    # A row that begins with one would be taken for an argument of the \\ before it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    # Next to one another they would be joined: -- to a dash, ,, to a quotation mark.
    "-": "-{}",
    ",": ",{}",
    "'": "'{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "°": r"\textdegree{}",
    "µ": r"\textmu{}",
    "ß": r"\ss{}",
    "’": "'",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}


def escape_latex(text: str) -> str:
    """The text on one line so that LaTeX prints each character and takes none for a command.

    A letter with a common accent becomes \\'e and the like; what no usual font has becomes its number, U+4E2D.
    """
    flat = " ".join(text.split())
    return "".join(_escape_character(character, flat[place + 1 : place + 2]) for place, character in enumerate(flat))


def _escape_character(character: str, following: str) -> str:
    if character in "-,'":
        return SPECIALS[character] if following == character else character
    if character in SPECIALS:
        return SPECIALS[character]
    if " " <= character <= "~":
        return character
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in ACCENTS:
        return f"\\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"U+{ord(character):04X}"
