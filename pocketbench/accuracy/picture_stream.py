"""The pictures that files are judged by, read and framed ahead in threads, so that no file waits for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pocketbench.accuracy.datasets.dataset import ArrayPictures, DataSet, Labels, read_framed
from pocketbench.accuracy.preprocessing import Pixels
from pocketbench.core.cores import count_cores
from pocketbench.core.records import Preprocessing

BLOCK_BYTES = 2**18
"""What a block of pictures may take. A block is handed from thread to thread once, which costs time."""
LARGEST_BLOCK = 256
FEWEST_BLOCKS = 32
KEPT_BYTES = 10**9


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some pictures in order. `places` are theirs among the chosen ones, without those that can't be read.

    Shape: places (N), framed (N, C, H, W), labels (N).
    """

    places: NDArray[np.int64]
    framed: Pixels
    labels: Labels
    unreadable: tuple[tuple[str, str], ...]


class PictureStream:
    """Chosen pictures of a data set, framed for one preprocessing; read again by each file that is judged.

    Framed pictures are kept where all of them take less than 1 GB.
    """

    def __init__(self, dataset: DataSet, chosen: Sequence[int], preprocessing: Preprocessing) -> None:
        self.dataset = dataset
        self.chosen = np.array(chosen, np.int64)
        self.preprocessing = preprocessing
        picture_bytes = preprocessing.channels * preprocessing.size[0] * preprocessing.size[1]
        self._block_size = max(1, min(LARGEST_BLOCK, BLOCK_BYTES // picture_bytes, len(chosen) // FEWEST_BLOCKS))
        self._keeps = picture_bytes * len(chosen) <= KEPT_BYTES
        self._kept: tuple[Block, ...] | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    def read_blocks(self) -> Generator[Block]:
        """Every block, in order. Raises: UsageError for a picture with channels that can't be converted."""
        if self._kept is not None:
            yield from self._kept
            return
        blocks = []
        for block in self._frame_blocks():
            if self._keeps:
                blocks.append(block)
            yield block
        if self._keeps:
            self._kept = tuple(blocks)

    def _frame_blocks(self) -> Generator[Block]:
        starts = range(0, len(self.chosen), self._block_size)
        if isinstance(self.dataset.pictures, ArrayPictures) and self.preprocessing.interpolation is None:
            yield from map(self._frame_block, starts)  # less work than to hand it from thread to thread
            return
        workers = count_cores()
        pool = ThreadPoolExecutor(workers, thread_name_prefix="pictures")
        waiting: deque[Future[Block]] = deque()
        try:
            for start in starts:
                waiting.append(pool.submit(self._frame_block, start))
                if len(waiting) > 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _frame_block(self, start: int) -> Block:
        places = np.arange(start, min(start + self._block_size, len(self.chosen)))
        indices = self.chosen[places]
        framed = read_framed(self.dataset, self.preprocessing, indices.tolist())
        if framed.unreadable:
            names = {name for name, _ in framed.unreadable}
            is_read = [self.dataset.pictures.name(int(index)) not in names for index in indices]
            places = places[is_read]
        return Block(places=places, framed=framed.pixels, labels=framed.labels, unreadable=framed.unreadable)
