import json

import pytest

from tests.cli.command import run_command


def explain(folder, *arguments):
    return run_command("explain", "--input-size", "64", "--width", "0.5", *arguments, cwd=folder)


def test_every_site_gets_a_form_and_a_reason(tmp_path):
    done = explain(tmp_path, "--model", "mobilenet_v2", "--attention", "ca", "--target", "tflite")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert sum(" ca on " in line for line in lines) == 16
    assert lines[0].startswith("features.2.conv.6")
    assert "48 x 16 x 16 -> 16: " in lines[0]
    summary = done.out[done.out.index("\n\n") :]
    assert len(summary) > 60


@pytest.mark.slow
def test_data_as_json(tmp_path):
    done = explain(tmp_path, "--model", "mobilenet_v2", "--attention", "se", "--target", "onnx-arm", "--json")
    sites = json.loads(done.out)
    assert len(sites) == 16
    assert sites[0]["size"] == [16, 16]
    assert sites[0]["block"] == "se"
    assert all(site["form"] and site["reason"] for site in sites)


@pytest.mark.slow
def test_a_model_without_blocks_says_so(tmp_path):
    done = explain(tmp_path, "--model", "mobilenet_v2", "--target", "onnx")
    assert (done.code, done.out) == (0, "")
    assert "no attention block" in done.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--target", "tflite"], "--model"),
        (["--model", "mobilenet_v2"], "--target"),
        (["--model", "mobilenet_v2", "--target", "onnx-86"], "onnx-86"),
        (["--model", "mobilenet_v3", "--target", "onnx"], "mobilenet_v3"),
    ],
)
def test_usage_errors(tmp_path, arguments, named):
    done = explain(tmp_path, *arguments)
    assert done.code == 2
    assert named in done.err
    assert len(done.err.splitlines()) == 2
