"""The engine of `tests/plugin_example` judges a file as ours do; one without what CONTRIBUTING.md names is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocketbench.accuracy.classifier import open_classifier
from pocketbench.core.errors import EnvironmentFault
from pocketbench.core.records import Preprocessing
from pocketbench.core.registry import Entry
from pocketbench.profile.catalog import ENGINES
from tests.accuracy.classifier_files import write_values

EXAMPLE = Path(__file__).parents[1] / "plugin_example"
PLAIN = Preprocessing(
    size=(2, 3), channels=3, crop="squash", resize=None, interpolation=None, mean=(0.0,) * 3, std=(1.0,) * 3
)


@pytest.fixture(autouse=True)
def _plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    entry = Entry(target="bench_example.engine:OnnxReference", summary="plug-in of bench-example")
    monkeypatch.setattr(ENGINES, "_own", {**ENGINES._own, "onnx_reference": entry})


@pytest.mark.parametrize("batch", [1, 2, "N"])
def test_scores_are_those_of_the_file(tmp_path: Path, batch: int | str) -> None:
    path = write_values(tmp_path / "values.onnx", (batch, 3, 2, 3))
    pixels = np.arange(5 * 18, dtype=np.uint8).reshape(5, 3, 2, 3)
    found = open_classifier(path, "onnx", "onnx_reference")
    assert (found.engine, found.class_count, set(found.tools)) == ("onnx_reference", 18, {"onnx"})
    scores = found.score(pixels, PLAIN)
    np.testing.assert_allclose(scores, pixels.reshape(5, 18) / 255, rtol=1e-6)
    np.testing.assert_array_equal(scores, open_classifier(path, "onnx", "onnxruntime").score(pixels, PLAIN))


def test_an_engine_without_a_caller_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench_example.engine import OnnxReference

    monkeypatch.delattr(OnnxReference, "caller")
    path = write_values(tmp_path / "values.onnx", (1, 3, 2, 3))
    with pytest.raises(EnvironmentFault, match=r"'onnx_reference' gives no scores .* it has no `caller`") as refused:
        open_classifier(path, "onnx", "onnx_reference")
    assert "CONTRIBUTING.md" in refused.value.cure
