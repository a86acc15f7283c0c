"""What must not need torch, numpy and the like is imported and run where they can't be imported."""

import pkgutil
import subprocess
import sys

import pytest

import pocketbench.core
from tests.cli.command import REPOSITORY

HEAVY = (
    "torch",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "sqlalchemy",
    "coremltools",
    "ai_edge_litert",
    "altair",
    "rich",
)
LIGHT = [
    "pocketbench",
    *(f"pocketbench.core.{module.name}" for module in pkgutil.iter_modules(pocketbench.core.__path__)),
    "pocketbench.cli.main",
    "pocketbench.cli.list_",
    "pocketbench.profile.agent.agent",
    "pocketbench.blocks.catalog",
    "pocketbench.export.catalog",
    "pocketbench.profile.catalog",
    "pocketbench.workflow.suites",
    "pocketbench.accuracy.training_record",
    "pocketbench.workflow.train_models",
]
BLOCK = f"""
import importlib.machinery, sys

class Refusal:
    def find_spec(self, name, path=None, target=None):  # found, so that looking for a package still works
        if name.partition(".")[0] in {HEAVY}:
            return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        raise ImportError(f"{{spec.name}} must not be imported here")

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Refusal())
"""


def run_blocked(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", BLOCK + code, *arguments],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_block_works():
    done = run_blocked("import numpy")
    assert done.returncode == 1
    assert "numpy must not be imported here" in done.stderr


@pytest.mark.parametrize("module", LIGHT)
def test_it_is_imported_without_what_is_heavy(module):
    done = run_blocked(f"import {module}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["list"], ["list", "--json"], ["export", "--help"], ["history", "--help"]]
)
def test_it_runs_without_what_is_heavy(arguments):
    done = run_blocked("from pocketbench.cli.main import main\nmain()", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("module", [module for module in LIGHT if ".core." in module])
def test_core_needs_the_standard_library_alone(module):
    code = "print(sorted({name.partition('.')[0] for name in sys.modules} - {*sys.stdlib_module_names}))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys, {module}\n{code}"],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "['__main__', 'pocketbench']\n", done.stderr
