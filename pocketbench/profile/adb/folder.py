"""Where we keep files on a phone: the folder that `shell` may write, and names that are ours."""

from __future__ import annotations

PARENT = "/data/local/tmp"
FOLDER = f"{PARENT}/pocketbench"
# What is changed on the phone while we measure, as it was before; there only for so long.
NOTE = f"{FOLDER}/changed.json"
# Finds our processes by their command lines, and not itself.
PROCESS_PATTERN = FOLDER.replace("pocketbench", "[p]ocketbench") + "/"


def model_path(sha256: str) -> str:
    """A model's place, by its content: the user's file name never reaches the phone."""
    return f"{FOLDER}/{sha256}.tflite"


def program_path(sha256: str) -> str:
    return f"{FOLDER}/{sha256}.bin"
