"""Networks that a user's own function returns: "package.module:function"."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType

from torch import nn
from torch.nn.parameter import is_lazy

from pocketbench.blocks.randomness import seeded_randomness
from pocketbench.blocks.torchvision_operators import call_despite_mismatch
from pocketbench.core.errors import ModelFault, PocketbenchError, UsageError, nearest_name_hint


def call_model_function(target: str, function: Callable[[], object], seed: int) -> nn.Module:
    """The network that a user's function returns, its randomness seeded.

    Args:
        target: the function's name, for messages.
        function: as `find_model_function` returned it.

    Raises:
        ModelFault: when the function raises, or returns something else than a network with weights.
    """

    def call_seeded() -> object:
        with seeded_randomness(seed):
            return function()

    try:
        model = call_despite_mismatch(call_seeded)
    except PocketbenchError:
        raise
    except (Exception, SystemExit) as error:  # a user's function can raise anything
        raise ModelFault(
            f"{target} raised {type(error).__name__}: {error}", f"call it in Python: {python_line(target)}"
        ) from error
    if not isinstance(model, nn.Module):
        raise ModelFault(f"{target} returned {describe(model)}", "expected a torch.nn.Module")
    if any(is_lazy(parameter) or parameter.is_meta for parameter in model.parameters()):
        raise ModelFault(
            f"the network of {target} has layers without weights (lazy, or on the meta device)",
            "give it weights before you return it: run it on an input, or load them",
        )
    return model


def find_model_function(target: str) -> Callable[[], object]:
    """The function that `target` names; modules in the current folder are found.

    Args:
        target: "package.module:function"; the function may be a class, and takes no arguments.

    Raises:
        UsageError: when there is no such module or function, or it can't be called without arguments.
        ModelFault: when the module raises.
    """
    module_name, _, path = target.partition(":")
    found: object = import_user_module(module_name, target)
    for name in path.split("."):
        if not hasattr(found, name):
            public = sorted(known for known in dir(found) if not known.startswith("_"))
            raise UsageError(f"{module_name} has no {path!r}", nearest_name_hint(name, public))
        found = getattr(found, name)
    if isinstance(found, nn.Module):
        raise UsageError(f"{target} is a network, not a function", "name a function that returns the network")
    if not callable(found):
        raise UsageError(f"{target} is {describe(found)}", "expected a function that returns a torch.nn.Module")
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise UsageError(
            f"{target} can't be called without arguments: {error}", "name a function that takes none"
        ) from error
    except ValueError:
        pass  # some callables written in C have no signature to look at
    return found


def import_user_module(name: str, target: str) -> ModuleType:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{target!r} names no function", "expected package.module:function")
    folder = os.getcwd()  # noqa: PTH109  sys.path holds text
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return call_despite_mismatch(lambda: importlib.import_module(name))
    except PocketbenchError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"there is no module {error.name!r} for {target}", f"run in the folder that holds it: this is {folder}"
            ) from error
        raise ModelFault(f"importing {name} failed: {error}", f"install {error.name!r}") from error
    except (Exception, SystemExit) as error:  # a user's module can raise anything
        raise ModelFault(
            f"importing {name} raised {type(error).__name__}: {error}", f"import it in Python: {python_line(target)}"
        ) from error


def python_line(target: str) -> str:
    module, _, path = target.partition(":")
    return f'python -c "import {module}; {module}.{path}()"'


def describe(value: object) -> str:
    return "None" if value is None else f"{value!r:.80} of type {type(value).__name__}"
