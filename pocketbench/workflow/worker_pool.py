"""Many requests on a few worker processes: each request gets a process for itself, and gives it back."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol, TypeVar


class Stoppable(Protocol):
    def stop(self) -> None: ...


Process = TypeVar("Process", bound=Stoppable)
Request = TypeVar("Request")


def run_on_processes(
    processes: Sequence[Process], requests: Iterable[Request], work: Callable[[Process, Request], None]
) -> None:
    """Call `work` with a free process and a request, in a thread for each process; stop all processes in the end.

    Raises: what `work` raises, and KeyboardInterrupt; what has not begun by then is left out.
    """
    idle: queue.SimpleQueue[Process] = queue.SimpleQueue()
    for process in processes:
        idle.put(process)

    def run(request: Request) -> None:
        process = idle.get()
        try:
            work(process, request)
        finally:
            idle.put(process)

    pool = ThreadPoolExecutor(len(processes))
    try:
        futures: set[Future[None]] = {pool.submit(run, request) for request in requests}
        while futures:  # short waits: a thread's wait can't be interrupted by Ctrl-C on every platform
            done, futures = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.stop()
        pool.shutdown(wait=True)
