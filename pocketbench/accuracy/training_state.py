"""Where a training stands after an epoch, in a file that a later process goes on from. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from pocketbench.accuracy.training_record import EpochResult, read_metadata
from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import dump_record, parse_record, write_bytes

METADATA_KEY = "pocketbench.state"
WEIGHT, MOMENTUM = "weight.", "momentum."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """`identity` is of all that decides what the weights become (another one is another training)."""

    identity: str
    epochs: tuple[EpochResult, ...]


def save_state(path: Path, state: TrainingState, model: nn.Module, optimizer: torch.optim.SGD) -> None:
    """Written beside, then renamed. Raises: FileFault."""
    tensors = {WEIGHT + name: value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        if parameter in optimizer.state:  # a weight that nothing depends on has no momentum
            tensors[MOMENTUM + name] = optimizer.state[parameter]["momentum_buffer"]
    write_bytes(path, pack(tensors, {METADATA_KEY: dump_record(state)}))


def load_state(path: Path, identity: str, model: nn.Module, optimizer: torch.optim.SGD) -> tuple[EpochResult, ...]:
    """Put the network and the optimizer where they stood; the epochs that are done.

    Nothing changes and none is done where there is no state, or one of another training.

    Raises: FileFault when it can't be read.
    """
    if not path.exists():
        return ()
    try:
        state = parse_record(read_metadata(path).get(METADATA_KEY, ""), TrainingState, str(path))
        if state.identity != identity:
            return ()
        tensors = safetensors.torch.load_file(path)
        put_back(tensors, model, optimizer)
    except Exception as error:
        what = error.what if isinstance(error, FileFault) else f"{path} can't be read: {error}"
        raise FileFault(what, f"delete {path}: the training starts anew") from error
    return state.epochs


def put_back(tensors: Mapping[str, Tensor], model: nn.Module, optimizer: torch.optim.SGD) -> None:
    model.load_state_dict(
        {name.removeprefix(WEIGHT): value for name, value in tensors.items() if name.startswith(WEIGHT)}
    )
    for name, parameter in model.named_parameters():
        if MOMENTUM + name in tensors:
            buffer = torch.empty_like(parameter, requires_grad=False).copy_(tensors[MOMENTUM + name])
            optimizer.state[parameter] = {"momentum_buffer": buffer}


def pack(tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The content of a .safetensors file; a weight that two layers share stands there twice."""
    plain = {name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
    return safetensors.torch.save(plain, metadata)
