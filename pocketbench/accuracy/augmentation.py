"""Random changes of training pictures, a whole batch at once, as bytes."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn


def augment(pictures: Tensor, generator: Generator, *, shift: int, flip: bool) -> Tensor:
    """Each picture moved by up to `shift` pixels each way, black around it, and mirrored every other time.

    Shape: (N, C, H, W), the same. Draws on the CPU, so that every device gets the same numbers.
    """
    count = len(pictures)
    if shift:
        height, width = pictures.shape[-2:]
        padded = nn.functional.pad(pictures, (shift, shift, shift, shift))
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2 * shift + 1, 2 * shift + 1, H, W)
        offsets = torch.randint(0, 2 * shift + 1, (2, count), generator=generator).to(pictures.device)
        pictures = windows[torch.arange(count, device=pictures.device), :, offsets[0], offsets[1]]
    if flip:
        mirrored = torch.randint(0, 2, (count, 1, 1, 1), generator=generator, dtype=torch.bool).to(pictures.device)
        pictures = torch.where(mirrored, pictures.flip(3), pictures)
    return pictures
