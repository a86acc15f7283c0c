"""What each process of the tests with several writers does: it imports this module, and no pytest."""

from pocketbench.core.store import Store
from tests.core.samples import make_result


def append_many(url, writer, count):
    store = Store(url)
    for index in range(count):
        store.append(make_result(run_id=f"writer {writer}", session_index=index))
