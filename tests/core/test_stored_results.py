import dataclasses
import json
import random
import typing

import pytest

from pocketbench.core import stored_results
from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import dump_record, parse_record
from pocketbench.core.records import Measurement, RunResult
from pocketbench.core.samples import Samples
from pocketbench.core.stored_results import ResultParser, dump_result
from tests.core.samples import MEASUREMENT, RESULT, draw_record, make_failed_result, make_result


@pytest.fixture(scope="module")
def drawn():
    return [draw_record(RunResult, random.Random(seed)) for seed in range(200)]


def parse(text, packed, parser=None):
    return (parser or ResultParser()).parse(text, packed, "the row")


def test_any_result_is_itself_again(drawn):
    parser = ResultParser()
    for result in drawn:
        assert parse(*dump_result(result), parser) == result


def test_json_with_its_samples_is_read_as_before(drawn):
    parser = ResultParser()
    for result in drawn:
        text = dump_record(result)
        assert parse(text, None, parser) == parse_record(text, RunResult, "here") == result


def test_the_samples_are_no_longer_text():
    text, packed = dump_result(RESULT)
    assert json.loads(text)["data"]["measurement"]["wall_ns"] == []
    found = parse(text, packed)
    assert type(found.measurement.wall_ns) is Samples
    assert found == RESULT
    assert hash(found.measurement) == hash(MEASUREMENT)
    assert dump_record(found) == dump_record(RESULT)
    assert dump_result(found) == (text, packed)


def test_samples_are_what_the_record_says_they_are():
    hints = typing.get_type_hints(Measurement)
    found = parse(*dump_result(RESULT)).measurement
    for measurement in (MEASUREMENT, found):
        for name in stored_results.SERIES:
            (item,) = typing.get_args(hints[name])
            values = getattr(measurement, name)
            assert isinstance(values, typing.get_origin(hints[name]))
            assert values
            assert all(type(value) is item for value in values)


def test_samples_that_no_width_holds_stay_in_the_json():
    result = make_result(measurement=dataclasses.replace(MEASUREMENT, cpu_ns=(10**30,)))
    text, packed = dump_result(result)
    assert packed is None
    assert parse(text, packed) == result


def test_a_failure_has_no_samples():
    text, packed = dump_result(make_failed_result())
    assert packed is None
    assert parse(text, packed) == make_failed_result()


def test_every_field_is_in_a_group():
    names = [name for group in stored_results.GROUPS for name in group]
    assert names == [field.name for field in dataclasses.fields(RunResult)]


def test_a_result_is_read_group_by_group(monkeypatch):
    """The parser of whole records gives the same, and takes longer."""

    def refuse(*given):
        raise AssertionError(given)

    rows = [dump_result(RESULT), dump_result(make_failed_result()), (dump_record(RESULT), None)]
    monkeypatch.setattr(stored_results, "parse_record", refuse)
    assert [parse(*row) for row in rows] == [RESULT, make_failed_result(), RESULT]


def test_equal_parts_are_one_object():
    parser = ResultParser()
    first, second = (parse(*dump_result(make_result(session_index=index)), parser) for index in range(2))
    assert first.artifact is second.artifact
    assert first.conditions_before is second.conditions_before
    assert first.measurement is not second.measurement


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(stored_results, "MOST_KNOWN", 3)
    parser = ResultParser()
    for index in [*range(10), *range(10)]:
        assert parse(*dump_result(make_result(session_index=index)), parser).session_index == index


def test_keys_in_another_order_are_read():
    envelope = json.loads(dump_record(RESULT))
    envelope["data"] = dict(reversed(envelope["data"].items()))
    assert parse(json.dumps(envelope), None) == RESULT
    assert parse(json.dumps(envelope, indent=1), None) == RESULT


def test_an_older_result_lacks_later_fields():
    envelope = json.loads(dump_record(RESULT))
    for name in ("operator_times", "coverage", "origin"):
        del envelope["data"][name]
    assert parse(json.dumps(envelope), None) == RESULT
    del envelope["data"]["git_commit"]
    with pytest.raises(FileFault, match=r"the row: missing key data\.git_commit"):
        parse(json.dumps(envelope), None)


@pytest.mark.parametrize("mark", [', "device": ', ', "device": {"device_id": "x"}', "}}", '"', "\\"])
def test_a_text_that_looks_like_a_mark_is_a_text(mark):
    artifact = dataclasses.replace(RESULT.artifact, file_name=mark, tools={mark: mark, "device": "2", "plan": "3"})
    result = make_result(artifact=artifact, tools={"git_commit": mark}, git_commit=mark, run_id=mark)
    assert parse(*dump_result(result)) == result


def change(path, value):
    """The JSON of RESULT with one value changed; `...` takes its key away."""
    envelope = json.loads(dump_record(RESULT))
    place = envelope
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    if value is ...:
        del place[path[-1]]
    return json.dumps(envelope)


@pytest.mark.parametrize(
    "text",
    [
        change(["data", "device", "core_count"], "2"),
        change(["data", "device", "core_count"], True),
        change(["data", "device", "core_count"], 2.0),
        change(["data", "device", "colour"], "red"),
        change(["data", "device", "abi"], ...),
        change(["data", "measurement", "wall_ns"], [1, None]),
        change(["data", "measurement", "wall_ns"], None),
        change(["data", "conditions_before", "load_average"], "0.2"),
        change(["data", "colour"], "red"),
        change(["data", "caveats"], {}),
        change(["format"], 2),
        change(["kind"], "Artifact"),
        dump_record(RESULT).replace("0.25", "1e999"),
        dump_record(RESULT).replace("0.25", "NaN"),
        dump_record(RESULT)[:-1],
        dump_record(RESULT).replace('"os_version": ', '"os_version": "1", "os_versions": '),
        dump_record(RESULT).replace(', "plan": {', ', "plan": 3, "plans": {'),
        "",
    ],
)
def test_what_the_parser_of_records_refuses_is_refused_in_the_same_words(text):
    with pytest.raises(FileFault) as expected:
        parse_record(text, RunResult, "the row")
    warm = ResultParser()
    parse(dump_record(RESULT), None, warm)
    for parser in (ResultParser(), warm):
        with pytest.raises(FileFault) as caught:
            parse(text, None, parser)
        assert (caught.value.what, caught.value.cure) == (expected.value.what, expected.value.cure)


@pytest.mark.parametrize("packed", [b"", b"I\0\0\0\1\0\0\0", b"hello world!"])
def test_damaged_samples_are_named_by_their_row(packed):
    text, _ = dump_result(RESULT)
    with pytest.raises(FileFault, match="the row: damaged samples"):
        parse(text, packed)


@pytest.mark.parametrize("result", [RESULT, make_failed_result()])
def test_packed_samples_where_none_are_missing_are_refused(result):
    _, packed = dump_result(RESULT)
    with pytest.raises(FileFault, match="the row: has packed samples"):
        parse(dump_record(result), packed)
