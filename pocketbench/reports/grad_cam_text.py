"""What the figure of class activations says in words."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.reports.grad_cam_records import CamColumn, CamFigure
from pocketbench.reports.labels import join_words

METHOD = (
    "Grad-CAM (Selvaraju et al., arXiv:1610.02391), as in figure 4 of the paper of coordinate attention "
    "(arXiv:2103.02907): the maps of a block's output, each weighted by the mean gradient of the score of the "
    "picture's label, summed, and cut off below 0."
)
SCALE = (
    "Each map is scaled to its own largest value: colours compare places of one picture in one network, and not "
    "pictures or networks. It is drawn over the picture as the network sees it."
)
RULE = (
    "The pictures are the first of each class in the test split, the classes evenly spread: they are not chosen by "
    "what came of them."
)
GUESSES = "Under each map stands what the network takes the picture for; the map is that of the label all the same."
LOW, HIGH = "nothing speaks for the label", "most in this picture"
NOTHING = "nothing speaks for it"


def describe_layers(columns: Sequence[CamColumn]) -> list[str]:
    """A sentence for each layer that maps were taken from; the networks are named when there are several layers."""
    layers: dict[tuple[str, tuple[int, int], bool | None], list[CamColumn]] = {}
    for column in columns:
        layers.setdefault((column.layer, column.positions, column.is_last_block), []).append(column)
    sentences = []
    for (layer, (height, width), is_last), members in layers.items():
        what = {
            True: "the last building block",
            False: "the last building block with 3 x 3 positions or more: on pictures of this size later blocks have "
            "too few to show a place",
            None: "the last module with a map of 3 x 3 positions or more",
        }[is_last]
        whose = f" of {join_words(name_members(members, columns))}" if len(layers) > 1 else ""
        sentences.append(f"Output of {layer}{whose}, {height} x {width} positions, {what}.")
    return sentences


def name_members(members: Sequence[CamColumn], columns: Sequence[CamColumn]) -> list[str]:
    """The name of each column; of all columns of one network among several, the network's."""
    by_network: dict[str, list[CamColumn]] = {}
    for column in members:
        by_network.setdefault(column.network, []).append(column)
    names = []
    for network, own in by_network.items():
        is_whole = len(own) == sum(column.network == network for column in columns) < len(columns)
        names += [network] if is_whole else [name_column(column, columns) for column in own]
    return names


def name_column(column: CamColumn, columns: Sequence[CamColumn]) -> str:
    """The network where the figure has several, and what was added to it."""
    return column.label if len({other.network for other in columns}) == 1 else f"{column.network}: {column.label}"


def describe_guess(guess: str, *, is_right: bool) -> str:
    return guess if is_right else f"wrong: {guess}"


def list_facts(figure: CamFigure) -> list[str]:
    networks = dict.fromkeys(column.network for column in figure.columns)
    return [*networks, f"{len(figure.rows)} pictures of {figure.dataset}"]


def clean_text(text: str) -> str:
    """A name that somebody else chose, as printable text."""
    return "".join(character if character.isprintable() else "?" for character in text)
