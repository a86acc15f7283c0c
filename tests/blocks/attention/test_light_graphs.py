"""Blocks whose form is chosen for the TFLite converter: it writes them in one partition that computes the block."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.randomise import randomise_statistics

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

LAYOUT = ("TRANSPOSE", "RESHAPE", "CONCATENATION", "BROADCAST_TO", "SLICE", "SPLIT", "PAD", "BATCH_MATMUL")


@pytest.mark.parametrize(("name", "reshapes"), [("triplet", 6), ("gc", 0), ("ela", 0), ("gala", 0)])
def test_tflite_graph(name: str, reshapes: int, tmp_path: Path) -> None:
    import ai_edge_litert.interpreter as litert
    import litert_torch

    torch.manual_seed(0)
    block = make_block(name, channels=24, size=(14, 10), reduction=4 if name in ("gc", "gala") else None)
    # Between convolutions, as in a network: alone, it multiplies in the order of the file's input.
    model = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU6(), block, nn.Conv2d(24, 8, 1)).eval()
    randomise_statistics(model, (1, 3, 14, 10), torch.Generator().manual_seed(0))
    x = torch.randn(1, 3, 14, 10)
    path = tmp_path / "block.tflite"
    litert_torch.convert(model, (x,)).export(str(path))

    plain = litert.Interpreter(
        str(path), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    plain.allocate_tensors()
    operators = Counter(entry["op_name"] for entry in plain._get_ops_details())
    assert operators.pop("TRANSPOSE", 0) <= 2  # the input and the output, from (N, C, H, W) and back
    assert {operator: operators[operator] for operator in LAYOUT if operators[operator]} == (
        {"RESHAPE": reshapes} if reshapes else {}
    )

    delegated = litert.Interpreter(str(path))
    delegated.allocate_tensors()
    assert sum(entry["op_name"] == "DELEGATE" for entry in delegated._get_ops_details()) == 1
    delegated.set_tensor(delegated.get_input_details()[0]["index"], x.numpy())
    delegated.invoke()
    found = delegated.get_tensor(delegated.get_output_details()[0]["index"])
    with torch.no_grad():
        expected = model(x).numpy()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
