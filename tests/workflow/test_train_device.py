"""What a training runs on, with and without a GPU."""

from __future__ import annotations

import pytest
import torch

from pocketbench.core.errors import EnvironmentFault
from pocketbench.workflow.train_device import choose_device, count_jobs


def test_a_gpu_is_taken_where_torch_finds_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(asked) for asked in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    assert count_jobs("cuda") == 1


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [choose_device(asked) for asked in ("auto", "cpu")] == ["cpu", "cpu"]
    assert count_jobs("cpu") >= 1
    with pytest.raises(EnvironmentFault, match="finds no GPU"):
        choose_device("cuda")
