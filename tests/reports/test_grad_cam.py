"""The figure of class activations: its colours, its PNG, its page, its words."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pocketbench.core.records import ModelSpec
from pocketbench.reports.colour_map import read_colour_map
from pocketbench.reports.grad_cam_page import encode_heat, format_cam_page
from pocketbench.reports.grad_cam_picture import CELL, GAP, MARGIN, NAME_WIDTH, RED, draw_figure, wrap_text
from pocketbench.reports.grad_cam_records import label_networks
from pocketbench.reports.grad_cam_text import describe_layers
from tests.reports.cam_samples import EVIL, make_cell, make_column, make_figure


def measure_lightness(colours: np.ndarray) -> np.ndarray:
    """L* of CIELAB (D65) of sRGB bytes, by the formulas of IEC 61966-2-1 and CIE 15."""
    values = colours / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(light > 216 / 24389, 116 * np.cbrt(light) - 16, light * 24389 / 27)


def test_lightness_rises_about_evenly():
    lightness = measure_lightness(read_colour_map())
    assert lightness[0] < 1
    assert lightness[-1] > 97
    assert np.diff(lightness).min() > -0.2  # a byte's rounding
    steps = np.diff(lightness[::15])[1:]  # the table is even in another measure of lightness, that differs near black
    assert steps.min() > 0.8 * steps.mean()
    assert steps.max() < 1.25 * steps.mean()


def open_png(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def find_top(pixels: np.ndarray) -> int:
    """The row of pixels in which the first input picture begins: its corner is grey 100."""
    return int(np.flatnonzero((pixels[:, MARGIN + NAME_WIDTH + 2] == 100).all(axis=1))[0])


def test_the_picture_has_each_map_in_its_place():
    pixels = open_png(draw_figure(make_figure()))
    top, left = find_top(pixels), MARGIN + NAME_WIDTH
    colours = read_colour_map().astype(int)
    for column in range(1, 4):
        x = left + column * (CELL + GAP)
        for offset, level in ((10, 0), (CELL - 10, 255)):
            expected = 0.4 * 100 + 0.6 * colours[level]
            assert np.abs(pixels[top + CELL // 2, x + offset] - expected).max() <= 1
        below = pixels[top + CELL + 2 : top + CELL + 34, x : x + CELL]
        assert (below == np.array(RED)).all(axis=2).any() == (column == 2), "a wrong guess is red, a right one is not"
    assert (pixels[top : top + CELL, left : left + CELL] == 100).all()


def test_equal_figures_are_equal_bytes():
    assert draw_figure(make_figure()) == draw_figure(make_figure())
    assert format_cam_page(make_figure()) == format_cam_page(make_figure())


def test_a_small_picture_is_enlarged_as_squares_and_a_wide_one_keeps_its_proportions():
    figure = make_figure(columns=1, rows=1)
    picture = np.zeros((16, 32, 3), np.uint8)
    picture[:, ::2] = 100
    cell = replace(make_cell(), heat=make_cell().heat[:16])
    wide = replace(figure, rows=(replace(figure.rows[0], picture=picture, cells=(cell,)),))
    pixels = open_png(draw_figure(wide))
    top, left = find_top(pixels), MARGIN + NAME_WIDTH
    drawn = pixels[top : top + CELL // 2, left : left + CELL]
    assert set(np.unique(drawn)) == {0, 100}
    assert (pixels[top + CELL // 2 + 1, left : left + CELL] != 0).all()
    assert ".cam{aspect-ratio:32/16;image-rendering:pixelated}" in format_cam_page(wide)


def test_the_page_holds_the_maps_and_asks_for_nothing():
    page = format_cam_page(make_figure(remarks=("a remark",)))
    assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(?!data:|#)[a-z/]", page)
    assert "a remark" in page
    assert page.count("wrong: Bag</small>") == 2
    content = re.search(r'taken for Bag" src="data:image/png;base64,([^"]+)"', page)[1]
    colours = read_colour_map().astype(int)
    expected = np.where(make_cell().heat[..., None] == 255, colours[255], colours[0])
    assert (open_png(base64.b64decode(content)) == expected).all()


def test_a_large_map_is_kept_small():
    content = encode_heat(np.tile(np.arange(224, dtype=np.uint8), (112, 1))).partition(",")[2]
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert image.size == (64, 32)
    assert np.asarray(image)[5, [0, 32, 63]].tolist() == pytest.approx([1, 113, 222], abs=2)


def test_names_are_text():
    figure = make_figure(label=EVIL, remarks=(EVIL,))
    page = format_cam_page(replace(figure, columns=(make_column(EVIL), *figure.columns[1:]), title=EVIL))
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") > 8


def test_a_name_that_is_not_unicode_can_be_written():
    figure = make_figure(label="caf\udce9\n")
    assert "caf??" in format_cam_page(figure).encode().decode()
    draw_figure(figure)


def test_letters_that_the_font_lacks_are_spelled():
    assert draw_figure(make_figure(label="Café")) == draw_figure(make_figure(label="Cafe"))
    assert draw_figure(make_figure(label="Café")) != draw_figure(make_figure(label="Caf"))


def test_an_empty_map_says_so():
    figure = make_figure(columns=1, rows=1)
    empty = replace(figure, rows=(replace(figure.rows[0], cells=(make_cell(0),)),))
    assert "nothing speaks for it" in format_cam_page(empty)
    assert "nothing speaks for it" not in format_cam_page(figure)


def test_layers_are_told_with_whom_they_belong_to():
    small = {"layer": "features.6", "positions": (4, 4), "is_last_block": False}
    assert describe_layers([make_column()]) == ["Output of features.17, 7 x 7 positions, the last building block."]
    sentences = describe_layers([make_column("baseline"), make_column("+ ca", **small), make_column("+ se", **small)])
    assert sentences[0].startswith("Output of features.17 of baseline, 7 x 7")
    assert sentences[1].startswith(
        "Output of features.6 of + ca and + se, 4 x 4 positions, the last building block with"
    )
    columns = [make_column(), make_column("baseline", "net b", **small), make_column("+ ca", "net b", **small)]
    assert describe_layers(columns)[1].startswith("Output of features.6 of net b, 4 x 4")
    columns[1] = make_column("baseline", "net b")
    assert describe_layers(columns)[1].startswith("Output of features.6 of net b: + ca, 4 x 4")


def test_networks_are_named_as_in_the_tables():
    plain = ModelSpec(backbone="mobilenet_v2", width_ratio=1.0)
    ca = replace(plain, block="ca", reduction_ratio=32, gate="hard_sigmoid")
    assert label_networks([plain, ca]) == [
        ("mobilenet_v2 1.0, 224 x 224", "baseline"),
        ("mobilenet_v2 1.0, 224 x 224", "+ ca (r 32)"),
    ]
    gates = label_networks([ca, replace(ca, gate="sigmoid"), replace(ca, seed=3)])
    assert [label for _, label in gates] == [ca.name, "+ ca (r 32, sigmoid)", f"{ca.name}_seed3"]


def test_lines_fit():
    lines = wrap_text("word " * 60, 400, 22)
    assert len(lines) > 4
    assert " ".join(lines) == ("word " * 60).strip()
