"""The script of the plots: made once, kept whole, and made anew where what was kept is not it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketbench.reports import plot_script

MADE = "draw(); // möglich"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What vl-convert was asked to make, with a cache folder of the test's own."""
    asked: list[str] = []

    def make(source: str) -> str:
        asked.append(source)
        return MADE

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("vl_convert.javascript_bundle", make)
    plot_script.read_plot_script.cache_clear()
    yield asked
    plot_script.read_plot_script.cache_clear()


def read_again() -> str:
    """As another process would."""
    plot_script.read_plot_script.cache_clear()
    return plot_script.read_plot_script()


def test_it_is_made_once(made: list[str], tmp_path: Path) -> None:
    assert [read_again(), read_again()] == [MADE, MADE]
    assert len(made) == 1
    assert "vegaEmbed" in made[0]
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == ["plots.js"]


@pytest.mark.parametrize(
    "damage", [lambda kept: kept[:-3], lambda kept: kept + b"evil()", lambda _: b"", lambda _: b"\xff"]
)
def test_a_damaged_one_is_made_anew(made: list[str], damage: object) -> None:
    read_again()
    path = plot_script.find_cached_script()
    assert path is not None
    whole = path.read_bytes()
    assert callable(damage)
    path.write_bytes(damage(whole))
    assert read_again() == MADE
    assert len(made) == 2
    assert path.read_bytes() == whole


def test_another_version_is_made_anew(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read_again()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "2.0")
    read_again()
    assert len(made) == 2


def test_without_a_place_it_is_made_each_time(made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert [read_again(), read_again()] == [MADE, MADE]
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert read_again() == MADE
    assert len(made) == 3


def test_a_relative_folder_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert plot_script.find_cached_script() == tmp_path / ".cache" / "pocketbench" / "plots.js"
