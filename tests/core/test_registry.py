import subprocess
import sys
import textwrap

import pytest

from pocketbench.core.errors import EnvironmentFault, MissingPackageError, UnknownNameError
from pocketbench.core.registry import Entry, Registry


def make_registry():
    return Registry(
        "engine",
        "pocketbench.test_engines",
        {
            "fractions": Entry(target="fractions:Fraction", summary="exact"),
            "whole": Entry(target="decimal", summary="a module"),
            "absent": Entry(
                target="pocketbench_absent:x", summary="", requires=("json", "pocketbench_absent"), install="pip it"
            ),
        },
    )


def run_with_plugin(folder, code, plugin="answer = 42\n", entry_points="answer = tiny_plugin:answer"):
    """Run `code` in a fresh process that has a plug-in distribution installed in `folder`."""
    info = folder / "tiny_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pocketbench.test_engines]\n{entry_points}\n")
    (folder / "tiny_plugin.py").write_text(plugin)
    start = (
        f"import sys\nsys.path.insert(0, {str(folder)!r})\n"
        "from tests.core.test_registry import make_registry\nregistry = make_registry()\n"
    )
    command = [sys.executable, "-c", start + textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_name_loads_what_it_stands_for():
    from fractions import Fraction

    assert make_registry().load("fractions") is Fraction
    assert make_registry().load("whole").__name__ == "decimal"


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(UnknownNameError) as caught:
        make_registry().load("fraction")
    assert "did you mean 'fractions'?" in caught.value.cure


def test_a_missing_package_is_named_with_the_line_that_installs_it():
    assert make_registry().entry("absent").missing() == ["pocketbench_absent"]
    with pytest.raises(MissingPackageError) as caught:
        make_registry().load("absent")
    assert caught.value.what == "engine 'absent' needs pocketbench_absent"
    assert caught.value.cure == "pip it"


def test_listing_imports_nothing(tmp_path):
    code = """
    assert registry.names() == ["fractions", "whole", "absent", "answer"], registry.names()
    assert [entry.summary for entry in registry.entries().values()][-1] == "plug-in of tiny-plugin"
    assert not {"tiny_plugin", "pocketbench_absent"} & set(sys.modules)
    print("done")
    """
    assert run_with_plugin(tmp_path, code) == "done\n"


def test_an_installed_plugin_is_loaded(tmp_path):
    assert run_with_plugin(tmp_path, "print(registry.load('answer'))") == "42\n"


def test_a_plugin_cannot_take_over_a_name_of_ours(tmp_path):
    code = "print(registry.load('fractions').__name__, registry.names())"
    out = run_with_plugin(tmp_path, code, entry_points="fractions = tiny_plugin:answer")
    assert out == "Fraction ['fractions', 'whole', 'absent']\n"


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        ("raise ImportError('old ABI')", "old ABI"),
        ("1 / 0", "ZeroDivisionError"),
        ("exit(3)", "SystemExit: 3"),
        ("other = 1", "no attribute"),
    ],
)
def test_a_broken_plugin_is_an_error_that_names_it(tmp_path, plugin, reason):
    code = f"""
    from pocketbench.core.errors import {EnvironmentFault.__name__} as Fault
    try:
        registry.load("answer")
    except Fault as error:
        print(error.what)
    """
    out = run_with_plugin(tmp_path, code, plugin)
    assert "engine 'answer' (plug-in of tiny-plugin) can't be loaded" in out
    assert reason in out
