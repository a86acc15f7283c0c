import io
import json
import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from pocketbench.core.errors import FileFault
from pocketbench.reports.figure_files import (
    MOST_FIGURES,
    make_picture,
    make_pictures,
    name_figure_files,
    name_picture_files,
    write_pictures,
)
from pocketbench.reports.figures import make_figures
from pocketbench.reports.picture_colours import read_colours
from pocketbench.reports.picture_process import PNG_SCALE, draw_pictures
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_accuracy, make_artifact, make_sessions, make_spec

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '<script>alert("1")</script> var(--ink) \x1b[2J & é.tflite'
MODELS = {None: (4.5, 0.921), "se": (5.2, 0.927), "ca": (5.9, 0.931)}


def make_example():
    """Three variants, and a foreign file whose name is as bad as a name can be."""
    files = {block: make_artifact(make_spec(block)) for block in MODELS}
    foreign = make_artifact(None, file_name=EVIL)
    latencies = [(files[block], ms) for block, (ms, _) in MODELS.items()] + [(foreign, 7.0)]
    tops = [(files[block], top1) for block, (_, top1) in MODELS.items()] + [(foreign, 0.90)]
    results = [run for file, ms in latencies for run in make_sessions(file, ms, drift=lambda s, _: 0.1 * s)]
    measured = {"origin": "measured", "dataset": "Fashion-MNIST", "split": "test", "image_count": 10_000}
    return make_table(
        [], results, [make_accuracy(top1, artifact_sha256=file.sha256, **measured) for file, top1 in tops]
    )


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    return draw_pictures(make_pictures(make_example()))


def test_each_figure_is_two_files(pictures) -> None:
    stem = "report-litert-1-thread-tflite-fp32"
    assert list(pictures) == [f"{stem}.svg", f"{stem}.png"]


def test_an_svg_is_xml_with_each_name_as_text_and_asks_the_network_for_nothing(pictures) -> None:
    svg = pictures["report-litert-1-thread-tflite-fp32.svg"].decode()
    texts = ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]
    assert {"baseline", "se", "ca", "litert, 1 thread, tflite fp32", "Fashion-MNIST test top-1, %"} <= set(texts)
    shown = next(text for text in texts if text.startswith("<script>"))
    assert shown == EVIL.replace("\x1b", "?")[: len(shown) - 1] + "…"
    assert 'url(#clip1)"' in svg
    caption = " ".join(texts)
    assert "Up and to the left is better." in caption
    assert "Bars are the 95 % intervals" in caption
    tags = {element.tag for element in ET.fromstring(svg).iter()}
    assert not tags & {f"{SVG}{name}" for name in ("script", "image", "use", "foreignObject", "style", "a")}
    assert set(re.findall(r"[a-z]+://[^\"'<> ]*", svg)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_a_picture_has_the_light_colours_of_the_page_on_white() -> None:
    (figure,) = make_figures(make_example())
    picture = make_picture(figure)
    values = picture["vconcat"][0].pop("data")
    assert EVIL.split()[1] in json.dumps(values)  # a name that looks like a variable stays a name
    text = json.dumps({**picture, "vconcat": [_without_domains(picture["vconcat"][0])]})
    assert "var(" not in text
    assert picture["config"]["background"] == read_colours()["--surface"] == "#ffffff"
    assert read_colours()["--series-1"] in text


def _without_domains(part):
    if isinstance(part, dict):
        return {name: _without_domains(value) for name, value in part.items() if name != "domain"}
    return [_without_domains(value) for value in part] if isinstance(part, list) else part


def test_a_png_is_twice_the_size_of_the_svg_and_shows_what_it_shows(pictures) -> None:
    svg, png = pictures.values()
    root = ET.fromstring(svg.decode())
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        for side, name in zip(image.size, ("width", "height"), strict=True):
            assert abs(side - PNG_SCALE * float(root.get(name))) <= 1
        assert 800 <= image.width <= 1000
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(1 << 24)}
    series = [tuple(bytes.fromhex(read_colours()[f"--series-{number}"][1:])) for number in (1, 2)]
    assert colours[(255, 255, 255)] > 0.8 * image.width * image.height
    assert all(colours[colour] > 100 for colour in series)  # two groups: the network's variants and the foreign file


@pytest.fixture
def crowded():
    """One point upon the other: there is room for a few names only."""
    blocks = [None, "se", "eca", "cbam", "ca", "ca_x", "ca_y"]
    files = [make_artifact(make_spec(block)) for block in blocks]
    results = [run for file in files for run in make_sessions(file, 5.0)]
    measured = {"origin": "measured", "dataset": "Fashion-MNIST", "split": "test", "image_count": 10_000}
    tops = [make_accuracy(0.92, artifact_sha256=file.sha256, **measured) for file in files]
    (figure,) = make_figures(make_table([], results, tops))
    return figure


def test_a_point_without_room_for_its_name_has_a_number_that_the_caption_explains(crowded) -> None:
    picture = make_picture(crowded)
    unnamed = [value for value in picture["vconcat"][0]["data"]["values"] if value["align"] is None]
    assert len(unnamed) > 1
    assert [value["number"] for value in unnamed] == [str(place + 1) for place in range(len(unnamed))]
    caption = " ".join(picture["title"]["text"])
    assert f"for want of room: 1 {unnamed[0]['label']}, 2 {unnamed[1]['label']}" in caption


@pytest.mark.slow
def test_the_numbers_are_drawn(crowded) -> None:
    svg = draw_pictures({"crowded": make_picture(crowded)})["crowded.svg"].decode()
    texts = ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]
    numbers = [value["number"] for value in make_picture(crowded)["vconcat"][0]["data"]["values"] if value["number"]]
    assert [text for text in texts if text in numbers] == numbers


def test_names_of_files_are_safe_and_never_the_same() -> None:
    titles = ["litert, 1 thread", "LiteRT: 1 thread", "../../etc/passwd", "設備", "設", "litert 1 thread 2", "x" * 300]
    names = name_figure_files(titles)
    assert names[:6] == [
        "report-litert-1-thread",
        "report-litert-1-thread-2",
        "report-etc-passwd",
        "report",
        "report-2",
        "report-litert-1-thread-2-2",
    ]
    assert all(re.fullmatch(r"report[a-z0-9.-]*", name) and len(name) < 100 for name in names)


def test_files_are_written_whole_and_a_folder_that_can_not_be_is_said(tmp_path, pictures) -> None:
    paths = write_pictures(pictures, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in paths} == pictures
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFault, match="can't write"):
        write_pictures(pictures, tmp_path / "file")


@pytest.mark.parametrize("count", [MOST_FIGURES, MOST_FIGURES + 1])
def test_a_fleet_of_devices_is_not_drawn(count: int) -> None:
    table = make_table(
        [],
        [
            run
            for spec in ("se", "ca")
            for threads in range(1, count + 1)
            for run in make_sessions(make_artifact(make_spec(spec)), 5.0, sessions=(0,), threads=threads)
        ],
        [],
    )
    assert len(make_figures(table)) == count
    drawn = make_figures(table) if count == MOST_FIGURES else ()
    assert list(make_pictures(table).values()) == [make_picture(each) for each in drawn]
    assert len(name_picture_files(table)) == 2 * len(drawn)


def test_a_table_without_a_figure_gives_no_files() -> None:
    assert make_pictures(make_table([], [], [])) == {}
    assert draw_pictures({}) == {}


@pytest.mark.slow
def test_the_same_figures_give_the_same_bytes(pictures) -> None:
    assert draw_pictures(make_pictures(make_example())) == pictures
