"""The figure of class activations as one HTML file that asks the network for nothing.

A picture stands once in the page, as the background of its row's cells; maps lie over it, small, and the browser
smooths them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from importlib import resources

from PIL import Image

from pocketbench.reports.colour_map import read_colour_map
from pocketbench.reports.grad_cam_picture import HEAT_SHARE, SMOOTH_FROM, encode_png, group_networks
from pocketbench.reports.grad_cam_records import CamCell, CamColumn, CamFigure, CamRow, Pixels
from pocketbench.reports.grad_cam_text import (
    GUESSES,
    HIGH,
    LOW,
    METHOD,
    NOTHING,
    RULE,
    SCALE,
    clean_text,
    describe_guess,
    describe_layers,
    list_facts,
    name_column,
)
from pocketbench.reports.page import format_header, format_page, format_section

MAX_HEAT_SIDE = 64


def format_cam_page(figure: CamFigure) -> str:
    """The whole page: the pictures, how to read them, where the weights come from."""
    sentences = [METHOD, *describe_layers(figure.columns), SCALE, GUESSES, RULE]
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    body = [
        f"<style>{read_cam_style()}{format_pictures(figure)}</style>",
        format_header(clean_text(figure.title), map(clean_text, list_facts(figure))),
        "<main>",
        format_remarks(figure.remarks),
        format_section("Where each network sees the class", format_grid(figure) + format_bar()),
        format_section("How to read it", f'<div class="prose">{paragraphs}</div>'),
        format_section("Weights", format_weights(figure)),
        "</main>",
    ]
    return format_page(clean_text(figure.title), body)


def read_cam_style() -> str:
    return resources.files("pocketbench.reports").joinpath("grad_cam.css").read_text(encoding="utf-8")


def format_pictures(figure: CamFigure) -> str:
    """A class for each picture, and how large it is."""
    height, width = figure.rows[0].picture.shape[:2]
    rendering = "pixelated" if max(height, width) < SMOOTH_FROM else "auto"
    rules = [
        f".cam{{aspect-ratio:{width}/{height};image-rendering:{rendering}}}.cam img{{opacity:{HEAT_SHARE}}}",
    ]
    rules += [
        f".cam-{index}{{background-image:url({encode_pixels(row.picture)})}}" for index, row in enumerate(figure.rows)
    ]
    return "".join(rules)


def format_grid(figure: CamFigure) -> str:
    rows = "".join(format_row(index, row, figure.columns) for index, row in enumerate(figure.rows))
    table = f'<table class="cams">{format_heads(figure)}<tbody>{rows}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Class activation maps">{table}</div>'


def format_heads(figure: CamFigure) -> str:
    networks = group_networks(figure)
    groups = "".join(
        f'<th scope="colgroup" class="span" colspan="{count}">{escape(clean_text(name))}</th>'
        for name, _, count in networks
    )
    labels = "".join(f'<th scope="col">{format_label(column.label)}</th>' for column in figure.columns)
    if len(networks) == 1:
        return f'<thead><tr><th scope="col">input</th>{labels}</tr></thead>'
    return f'<thead><tr><th scope="col" rowspan="2">input</th>{groups}</tr><tr>{labels}</tr></thead>'


def format_label(label: str) -> str:
    name, bracket, details = clean_text(label).partition(" (")
    return escape(name) + (f"<small>{escape(details.removesuffix(')'))}</small>" if bracket else "")


def format_row(index: int, row: CamRow, columns: Iterable[CamColumn]) -> str:
    label = escape(clean_text(row.label))
    title = escape(clean_text(row.name))
    head = (
        f'<th scope="row"><div class="cam cam-{index}" role="img" aria-label="picture: {label}" title="{title}"></div>'
        f"<small>{label}</small></th>"
    )
    return f"<tr>{head}{''.join(format_cell(index, cell) for cell, _ in zip(row.cells, columns, strict=True))}</tr>"


def format_cell(index: int, cell: CamCell) -> str:
    guess = escape(clean_text(describe_guess(cell.guess, is_right=cell.is_right)))
    nothing = f"<small>{NOTHING}</small>" if cell.is_empty else ""
    kind = "" if cell.is_right else ' class="wrong"'
    return (
        f'<td><div class="cam cam-{index}"><img alt="class activation map, taken for {escape(clean_text(cell.guess))}"'
        f' src="{encode_heat(cell.heat)}"></div><small{kind}>{guess}</small>{nothing}</td>'
    )


def format_bar() -> str:
    bar = encode_pixels(read_colour_map()[None])
    return (
        f'<p class="cam-bar"><span>{LOW}</span><img alt="colours from black over red to light yellow" src="{bar}">'
        f"<span>{HIGH}</span></p>"
    )


def format_weights(figure: CamFigure) -> str:
    rows = "".join(
        f"<div><dt>{escape(clean_text(name_column(column, figure.columns)))}</dt>"
        f"<dd>{escape(clean_text(column.weights))}</dd></div>"
        for column in figure.columns
    )
    return f'<dl class="terms">{rows}</dl>'


def format_remarks(remarks: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(clean_text(remark))}</li>" for remark in remarks)
    return f'<aside class="remarks"><ul>{items}</ul></aside>' if items else ""


def encode_heat(heat: Pixels) -> str:
    """The map with its colours as the palette: a byte a pixel."""
    image = Image.fromarray(heat)
    image.thumbnail((MAX_HEAT_SIDE, MAX_HEAT_SIDE), Image.Resampling.BILINEAR)
    image.putpalette(read_colour_map().tobytes())
    return encode_image(image)


def encode_pixels(pixels: Pixels) -> str:
    return encode_image(Image.fromarray(pixels))


def encode_image(image: Image.Image) -> str:
    return f"data:image/png;base64,{base64.b64encode(encode_png(image)).decode()}"
