"""The figure of class activations as one PNG: a row a picture, a column a network."""

from __future__ import annotations

import io
import textwrap
import unicodedata

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pocketbench.reports.colour_map import read_colour_map
from pocketbench.reports.grad_cam_records import CamFigure, CamRow, Pixels
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
)

HEAT_SHARE = 0.6
"""How much of a pixel is the colour of the map; the rest is the picture."""
CELL, GAP, MARGIN = 256, 16, 44
LINE = 32
NAME_WIDTH = 190
TITLE_SIZE, HEAD_SIZE, TEXT_SIZE = 35, 24, 22
TITLE_HEIGHT = 64
BAR_WIDTH, BAR_HEIGHT = 352, 20
LEAST_CELLS = 4
"""The width of a figure with few columns is that of so many: its text needs room."""
INK, MUTED, RED, PAPER = (20, 24, 31), (89, 98, 115), (176, 32, 42), (255, 255, 255)
SMOOTH_FROM = 80
"""Pictures of fewer pixels are enlarged as squares, so that what the network sees is seen."""


def draw_figure(figure: CamFigure) -> bytes:
    """The PNG; equal figures give equal bytes."""
    width, height = find_cell_size(figure.rows[0])
    column_count = len(figure.columns) + 1
    left = MARGIN + NAME_WIDTH
    full_width = left + max(column_count, LEAST_CELLS) * (CELL + GAP) - GAP + MARGIN
    words = [
        sentence for text in list_sentences(figure) for sentence in wrap_text(text, full_width - 2 * MARGIN, TEXT_SIZE)
    ]
    heads = [wrap_head(column.label) for column in figure.columns]
    head_lines = max(map(len, heads))
    networks = group_networks(figure)
    heads_top = MARGIN + TITLE_HEIGHT + (LINE + GAP if len(networks) > 1 else 0)
    top = heads_top + head_lines * LINE + GAP // 2
    pitch = height + LINE + GAP
    words_top = top + len(figure.rows) * pitch + GAP + 2 * LINE
    full_height = words_top + len(words) * LINE + MARGIN
    canvas = Image.new("RGB", (full_width, full_height), PAPER)
    draw = ImageDraw.Draw(canvas)
    write(draw, (MARGIN, MARGIN), clean_text(figure.title), TITLE_SIZE, INK, full_width - 2 * MARGIN)

    def place(column: int) -> int:
        return left + column * (CELL + GAP) + (CELL - width) // 2

    if len(networks) > 1:
        for name, first, count in networks:
            start, end = place(first + 1), place(first + count) + width
            write(draw, (start, MARGIN + TITLE_HEIGHT), clean_text(name), HEAD_SIZE, INK, end - start)
            draw.line((start, heads_top - GAP // 2, end, heads_top - GAP // 2), fill=MUTED, width=2)
    for index, lines in enumerate([["input"], *heads]):
        for number, line in enumerate(lines):
            write(draw, (place(index), heads_top + number * LINE), line, HEAD_SIZE, MUTED if number else INK, CELL)
    for index, row in enumerate(figure.rows):
        y = top + index * pitch
        for number, line in enumerate(wrap_text(clean_text(row.label), NAME_WIDTH - GAP, HEAD_SIZE)[:3]):
            write(draw, (MARGIN, y + number * LINE), line, HEAD_SIZE, INK, NAME_WIDTH - GAP)
        picture = enlarge_picture(row.picture, (width, height))
        canvas.paste(picture, (place(0), y))
        for position, cell in enumerate(row.cells, start=1):
            heat = Image.fromarray(cell.heat).resize((width, height), Image.Resampling.BILINEAR)
            canvas.paste(lay_over(picture, heat), (place(position), y))
            guess = clean_text(describe_guess(cell.guess, is_right=cell.is_right))
            text = f"{NOTHING}; {guess}" if cell.is_empty else guess
            write(draw, (place(position), y + height + 4), text, TEXT_SIZE, MUTED if cell.is_right else RED, width)
    draw_bar(canvas, draw, (MARGIN, words_top - 2 * LINE))
    for number, line in enumerate(words):
        write(draw, (MARGIN, words_top + number * LINE), line, TEXT_SIZE, MUTED, full_width - 2 * MARGIN)
    return encode_png(canvas)


def list_sentences(figure: CamFigure) -> list[str]:
    return [METHOD, *describe_layers(figure.columns), SCALE, GUESSES, RULE, *map(clean_text, figure.remarks)]


def group_networks(figure: CamFigure) -> list[tuple[str, int, int]]:
    """Neighbours of one network: its name, the place of the first, and how many."""
    groups: list[tuple[str, int, int]] = []
    for index, column in enumerate(figure.columns):
        if groups and groups[-1][0] == column.network:
            groups[-1] = (column.network, groups[-1][1], groups[-1][2] + 1)
        else:
            groups.append((column.network, index, 1))
    return groups


def find_cell_size(row: CamRow) -> tuple[int, int]:
    """Width and height of a cell: the longer side of the picture fills it."""
    height, width = row.picture.shape[:2]
    return max(1, round(CELL * width / max(height, width))), max(1, round(CELL * height / max(height, width)))


def enlarge_picture(picture: Pixels, size: tuple[int, int]) -> Image.Image:
    is_small = max(picture.shape[:2]) < SMOOTH_FROM
    method = Image.Resampling.NEAREST if is_small else Image.Resampling.LANCZOS
    return Image.fromarray(picture).convert("RGB").resize(size, method)


def lay_over(picture: Image.Image, heat: Image.Image) -> Image.Image:
    """(1 - share) picture + share colour(heat)."""
    colours = Image.fromarray(read_colour_map()[np.asarray(heat)])
    return Image.blend(picture, colours, HEAT_SHARE)


def draw_bar(canvas: Image.Image, draw: ImageDraw.ImageDraw, place: tuple[int, int]) -> None:
    x, y = place
    low_width = round(find_font(TEXT_SIZE).getlength(LOW))
    write(draw, (x, y), LOW, TEXT_SIZE, MUTED, CELL * LEAST_CELLS)
    bar = Image.fromarray(read_colour_map()[None]).resize((BAR_WIDTH, BAR_HEIGHT), Image.Resampling.BILINEAR)
    canvas.paste(bar, (x + low_width + GAP, y + 4))
    write(draw, (x + low_width + 2 * GAP + BAR_WIDTH, y), HIGH, TEXT_SIZE, MUTED, CELL * LEAST_CELLS)


def wrap_head(label: str) -> list[str]:
    """The block, and its details on a line of their own."""
    name, bracket, details = clean_text(label).partition(" (")
    return [name, *([details.removesuffix(")")] if bracket else [])]


def wrap_text(text: str, width: int, size: int) -> list[str]:
    """Lines that fit into `width` pixels."""
    mean = find_font(size).getlength(text) / max(1, len(text))
    return textwrap.wrap(text, max(4, int(width / mean * 0.97))) or [""]


def write(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: tuple[int, int, int], width: int
) -> None:
    """One line; what does not fit into `width` pixels is cut. The font has the letters of ASCII alone."""
    font = find_font(size)
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    text = letters.encode("ascii", "replace").decode()
    while font.getlength(text) > width and len(text) > 4:
        text = text.removesuffix("...")[:-1].rstrip() + "..."
    draw.text(place, text, fill=colour, font=font)


def find_font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow: every machine draws the same."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def encode_png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
