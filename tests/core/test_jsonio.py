import dataclasses
import json
import random
import resource
import subprocess
import sys
import threading

import pytest

from pocketbench.core import records
from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import dump_record, parse_record, read_record, write_record, write_text
from pocketbench.core.records import ModelSpec, RunResult
from tests.core.samples import RESULT, SPEC, draw_record

KINDS = [kind for kind in vars(records).values() if dataclasses.is_dataclass(kind)]


def spec_text(**changes):
    """The JSON of a spec with keys of its data changed; a value of `...` takes the key away."""
    envelope = json.loads(dump_record(SPEC))
    envelope["data"] |= changes
    envelope["data"] = {key: value for key, value in envelope["data"].items() if value is not ...}
    return json.dumps(envelope)


def refuse(text, kind=ModelSpec):
    with pytest.raises(FileFault) as caught:
        parse_record(text, kind, "the file")
    assert "the file" in caught.value.what
    return caught.value


def test_every_kind_of_record_is_here():
    assert {kind.__name__ for kind in KINDS} >= {"ModelSpec", "Artifact", "RunResult", "Measurement", "Accuracy"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_record_survives_the_round_trip(kind):
    source = random.Random(kind.__name__)
    for _ in range(100):
        record = draw_record(kind, source)
        text = dump_record(record)
        assert text.isascii()
        assert parse_record(text, kind, "here") == record


def test_tuples_come_back_as_tuples_and_whole_floats_as_floats():
    back = parse_record(spec_text(width_ratio=1), ModelSpec, "here")
    assert back.input_shape == (1, 3, 224, 224)
    assert type(back.input_shape) is tuple
    assert type(back.width_ratio) is float


def test_the_envelope_is_what_the_documentation_says():
    envelope = json.loads(dump_record(SPEC))
    assert list(envelope) == ["format", "kind", "data"]
    assert (envelope["format"], envelope["kind"]) == (1, "ModelSpec")
    assert envelope["data"]["backbone"] == "mobilenet_v2"


def test_an_unknown_key_is_named_with_the_nearest_one():
    error = refuse(spec_text(reduction_ration=4))
    assert "data.reduction_ration" in error.what
    assert "'reduction_ratio'" in error.cure


def test_a_missing_key_is_named():
    assert "missing key data.gate" in refuse(spec_text(gate=...)).what


def test_a_key_deep_inside_is_named_by_its_path():
    envelope = json.loads(dump_record(RESULT))
    envelope["data"]["artifact"]["graph_facts"]["inputs"][0]["shape"][2] = "wide"
    error = refuse(json.dumps(envelope), RunResult)
    assert "data.artifact.graph_facts.inputs[0].shape[2] is 'wide'" in error.what


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("backbone", None),
        ("backbone", 3),
        ("seed", 1.0),
        ("seed", True),
        ("seed", "1"),
        ("width_ratio", "1.0"),
        ("width_ratio", True),
        ("width_ratio", 10**400),
        ("input_shape", "1x3x224x224"),
        ("input_shape", {"0": 1}),
        ("input_shape", [1, 3, True]),
        ("input_shape", [1, 3, None]),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key, value):
    assert f"data.{key}" in refuse(spec_text(**{key: value})).what


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(number):
    refuse(spec_text(width_ratio=12345.5).replace("12345.5", number))


def test_a_record_with_nan_is_not_written():
    with pytest.raises(ValueError, match="JSON compliant"):
        dump_record(dataclasses.replace(SPEC, width_ratio=float("nan")))


def test_another_kind_is_refused():
    error = refuse(dump_record(SPEC), RunResult)
    assert "'ModelSpec'" in error.what
    assert "RunResult" in error.cure


@pytest.mark.parametrize("version", [2, 0, "1", None, [1]])
def test_another_format_is_refused(version):
    text = dump_record(SPEC).replace('"format": 1', f'"format": {json.dumps(version)}')
    assert "update" in refuse(text).cure


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"text"', "{}", '{"format": 1, "kind": "ModelSpec"}', "[" * 100_000, "\ufeff{}"],
)
def test_text_that_is_no_record_is_refused(text):
    refuse(text)


def test_deep_nesting_inside_a_value_is_refused():
    refuse(spec_text(seed=7).replace('"seed": 7', '"seed": ' + "[" * 50_000 + "]" * 50_000))


def test_a_file_is_read_back(tmp_path):
    path = tmp_path / "new folder" / "spec.json"
    write_record(path, SPEC)
    assert read_record(path, ModelSpec) == SPEC
    assert path.read_text().endswith("}\n")
    assert [entry.name for entry in path.parent.iterdir()] == ["spec.json"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "spec.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileFault, match=r"spec\.json"):
        read_record(path, ModelSpec)


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path):
    """A process that may write at most 64 kB to a file stands for a full disk."""
    path = tmp_path / "record.json"
    path.write_text("old")
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, {resource.RLIM_INFINITY}))"
    code = (
        f"{limit}\nfrom pathlib import Path\nfrom pocketbench.core.errors import FileFault\n"
        "from pocketbench.core.jsonio import write_text\n"
        f"try:\n    write_text(Path({str(path)!r}), 'x' * 10**6)\n"
        "except FileFault as error:\n    print(error.what)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "record.json" in done.stdout
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]


def test_text_that_has_no_utf8_form_leaves_no_scratch(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "\udcff")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["a file/x.json", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "a file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileFault, match="can't write"):
        write_text(tmp_path / place, "text")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a file", "folder"]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "record.json"
    texts = {letter * 200_000 for letter in "ab"}
    write_text(path, "a" * 200_000)
    stop = threading.Event()

    def keep_writing():
        while not stop.is_set():
            for text in texts:
                write_text(path, text)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        seen = [path.read_text() for _ in range(200)]
    finally:
        stop.set()
        writer.join()
    assert set(seen) <= texts
