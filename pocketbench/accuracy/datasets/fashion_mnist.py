"""Fashion-MNIST: 60,000 and 10,000 grey pictures of 28 x 28, ten classes of clothes.

Source: Xiao, Rasul, Vollgraf: "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
arXiv:1708.07747; https://github.com/zalandoresearch/fashion-mnist (MIT).
"""

from __future__ import annotations

from pathlib import Path

from pocketbench.accuracy.datasets.dataset import DataSet
from pocketbench.accuracy.datasets.idx import find_idx_files, read_idx_dataset
from pocketbench.core.errors import FileFault

NAME = "fashion-mnist"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
ADDRESS = "https://github.com/zalandoresearch/fashion-mnist"
CLASS_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def read_fashion_mnist(split: str, folder: Path = FOLDER) -> DataSet:
    """Raises: FileFault that says where to get it, when it is not there."""
    files = find_idx_files(folder, split)
    if files is None:
        raise FileFault(
            f"{NAME} is not in {folder}",
            f"apt-get install dataset-fashion-mnist; elsewhere download the four files of {ADDRESS} into a folder and"
            " name the folder",
        )
    return read_idx_dataset(NAME, split, *files, CLASS_NAMES)
