"""What a conversion or a quantisation lost: each file against the fp32 file of the same network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.paired_accuracies import PairedDifference, compare_accuracies
from pocketbench.core.records import FORMATS, Accuracy
from pocketbench.workflow.accuracy_request import AccuracyRequest

REFERENCE = "fp32"

_Pairs = Sequence[tuple[AccuracyRequest, Accuracy]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The difference from `base`, picture by picture."""

    base: AccuracyRequest
    difference: PairedDifference


def find_losses(accuracies: _Pairs) -> list[Loss | None]:
    """The loss of each file against fp32 of its own format; where that is missing, or it is fp32 itself, of the first
    of ONNX, TFLite and Core ML that is there. None for a file that there is nothing to compare with."""
    losses = []
    for request, accuracy in accuracies:
        base = _find_base(request, accuracies)
        difference = compare_accuracies(base[1], accuracy) if base is not None else None
        losses.append(
            Loss(base=base[0], difference=difference) if base is not None and difference is not None else None
        )
    return losses


def _find_base(request: AccuracyRequest, accuracies: _Pairs) -> tuple[AccuracyRequest, Accuracy] | None:
    artifact = request.artifact
    if artifact.spec is None:
        return None
    whole = [
        pair
        for pair in accuracies
        if pair[0].artifact.spec == artifact.spec and pair[0].artifact.precision == REFERENCE
    ]
    own = [pair for pair in whole if pair[0].artifact.format == artifact.format]
    if own and artifact.precision != REFERENCE:
        return own[0]
    first = min(whole, key=lambda pair: FORMATS.index(pair[0].artifact.format), default=None)
    return first if first is not None and first[0].artifact.sha256 != artifact.sha256 else None
