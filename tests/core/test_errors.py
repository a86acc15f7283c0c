import inspect

import pytest

from pocketbench.core import errors
from pocketbench.core.errors import PocketbenchError, UnknownNameError, nearest_name_hint, one_line

KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, PocketbenchError)]


def tree_lines(kind=PocketbenchError):
    """(class name, exit code) of every error, as the classes have it."""
    yield kind.__name__, kind.exit_code
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree_lines(child)


def drawn_lines():
    """(class name, exit code) of every error, as the docstring draws it."""
    for line in errors.__doc__.splitlines():
        words = line.replace("|", " ").replace("--", " ").replace("`", " ").split()
        if len(words) > 1 and words[0].endswith(("Error", "Fault")) and words[1].isdigit():
            yield words[0], int(words[1])


def test_the_drawing_in_the_docstring_is_the_tree():
    assert set(drawn_lines()) == set(tree_lines()) - {("PocketbenchError", 1)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code_and_two_single_lines(kind):
    error = kind("engine", "what", ["a"]) if kind is UnknownNameError else kind("two\nlines", "a\n\n cure")
    assert error.exit_code in (1, 2, 3)
    assert "\n" not in error.what + error.cure
    assert str(error) == f"{error.what} ({error.cure})"


def test_an_unknown_name_offers_the_nearest_one():
    error = UnknownNameError("engine", "onnxruntme", ["litert", "onnxruntime"])
    assert error.what == "there is no engine 'onnxruntme'"
    assert error.cure.startswith("did you mean 'onnxruntime'?")
    assert error.name == "onnxruntme"


def test_a_name_that_is_near_nothing_gets_the_list():
    assert nearest_name_hint("zzz", ["litert", "onnxruntime"]) == "known: litert, onnxruntime"
    assert nearest_name_hint("zzz", []) == "none is registered"


def test_pages_of_a_foreign_message_become_one_line():
    assert one_line(" a\n\tb  c ") == "a b c"
    assert one_line("x" * 500, limit=10) == "xxxxxxx..."
    assert len(one_line("y " * 5000)) == 400
