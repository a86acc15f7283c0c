"""Pieces of a result that are read without the JSON parser: they say what it says, or are left to it."""

import dataclasses
import json
import random

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import from_plain, to_plain
from pocketbench.core.quick_pieces import MeasurementReader, read_caveats
from pocketbench.core.records import Caveat, Measurement, Summary
from tests.core.samples import MEASUREMENT, draw_record

BARE = dataclasses.replace(MEASUREMENT, wall_ns=(), cpu_ns=(), warmup_wall_ns=())


def parse(piece):
    return from_plain(json.loads(piece), Measurement, "here", "data")


def dump(record):
    return json.dumps(to_plain(record))


def test_a_measurement_is_what_the_parser_says():
    reader = MeasurementReader(parse)
    source = random.Random(5)
    drawn = [draw_record(Measurement, source) for _ in range(300)]
    drawn = [dataclasses.replace(record, wall_ns=(), cpu_ns=(), warmup_wall_ns=()) for record in drawn]
    read = [(record, reader.read(dump(record))) for record in [*drawn, *drawn]]
    assert all(found in (record, None) for record, found in read)
    assert sum(found is not None for _, found in read) > 50


def test_one_form_is_parsed_once():
    asked = []
    reader = MeasurementReader(lambda piece: asked.append(piece) or parse(piece))
    records = [dataclasses.replace(BARE, load_ns=number, idle_rss_bytes=None) for number in range(20)]
    assert [reader.read(dump(record)) for record in records] == records
    assert len(asked) == 2


def test_numbers_of_a_summary_are_not_those_of_the_measurement():
    """They stand in the same words, but not in the same order."""
    summary = Summary(count=3, load_ns=7, first_ns=8)
    record = dataclasses.replace(BARE, summaries=(summary,))
    assert MeasurementReader(parse).read(dump(record)) == record


@pytest.mark.parametrize(
    "piece",
    [
        dump(MEASUREMENT),  # its samples are in it
        dump(BARE)[:-1] + ', "load_ns": 3}',
        dump(BARE).replace('"wall_ns": []', '"wall_ns": [{"x": 0' + dump(BARE)[dump(BARE).index(', "load') :] + "]"),
        dump(BARE).replace(": 30000000", ": 030000000"),
        dump(BARE).replace(": 30000000", ": 3e7"),
        dump(BARE).replace(": 30000000", ": true"),
        dump(BARE).replace(": 30000000", ": -1"),
        "",
        "null",
    ],
)
def test_what_looks_otherwise_is_left_to_the_parser(piece):
    def try_to_parse(text):
        try:
            return parse(text)
        except (FileFault, ValueError):
            return None

    assert MeasurementReader(try_to_parse).read(piece) is None


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("pocketbench.core.quick_pieces.MOST_FORMS", 2)
    reader = MeasurementReader(parse)
    records = [dataclasses.replace(BARE, burst_count=1 + number) for number in range(5)]
    assert [reader.read(dump(record)) for record in records * 2] == records * 2


def test_caveats_are_what_was_written():
    for texts in [(), ("a, b",), ("drift", '}, {"'), ("möglich", "\\"), ("x\n", "y"), ("Ω", "\ud800"), ("", "")]:
        record = tuple(Caveat(code=text, text=text) for text in texts)
        assert read_caveats(dump(record)) in (record, None)
    plain = (
        Caveat(code="busy", text="1.5 of {2} cores, [here]"),
        Caveat(code="hot", text="it's 80 °C".replace("°", "")),
    )
    assert read_caveats(dump(plain)) == plain


@pytest.mark.parametrize(
    "piece",
    [
        "",
        "{}",
        "[",
        "[]]",
        '[{"code": "a", "text": "b"},{"code": "a", "text": "b"}]',
        '[{"code": "a", "text": "b"}, 3]',
        '[{"text": "a", "code": "b"}]',
        '[{"code": "a", "text": "b", "more": "c"}]',
        '[{"code": "a", "text": "b\n"}]',
        '[{"code": "a", "text": 3}]',
    ],
)
def test_other_caveats_are_left_to_the_parser(piece):
    assert read_caveats(piece) is None
