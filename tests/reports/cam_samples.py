"""Figures of class activations whose every pixel is known."""

from __future__ import annotations

import numpy as np

from pocketbench.reports.grad_cam_records import CamCell, CamColumn, CamFigure, CamRow

EVIL = "<img src=x onerror=alert(1)>"


def make_column(
    label: str = "+ ca (r 32)", network: str = "mobilenet_v2 0.35, 32 x 32", **changes: object
) -> CamColumn:
    fields = {
        "layer": "features.17",
        "positions": (7, 7),
        "is_last_block": True,
        "weights": "trained on bars, 3 epochs, seed 0: top-1 91.2 % of its 90 test pictures; sha256 01234567",
    }
    return CamColumn(network=network, label=label, **(fields | changes))  # type: ignore[arg-type]


def make_cell(level: int = 255, guess: str = "Bag", *, is_right: bool = True) -> CamCell:
    """A map that is 0 in its left half and `level` in its right one."""
    heat = np.zeros((32, 32), np.uint8)
    heat[:, 16:] = level
    return CamCell(heat=heat, guess=guess, is_right=is_right)


def make_figure(columns: int = 3, rows: int = 2, remarks: tuple[str, ...] = (), label: str = "Bag") -> CamFigure:
    names = ["baseline", *(f"+ ca (r {ratio})" for ratio in range(2, columns + 1))]
    return CamFigure(
        title="Class activation maps: a suite",
        dataset="bars, test split",
        columns=tuple(make_column(name) for name in names),
        rows=tuple(
            CamRow(
                label=label,
                name=f"picture {index}",
                picture=np.full((32, 32), 100 + index, np.uint8),
                cells=tuple(make_cell(guess=label, is_right=place != 1) for place in range(columns)),
            )
            for index in range(rows)
        ),
        remarks=remarks,
    )
