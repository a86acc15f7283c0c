"""One runtime a file. An engine is a class that the worker makes in its own process; it is registered in `catalog.py`.

The file runs on Python 3.9, imports the standard library and `pocketbench.profile.{inputs,refusal}` at module level,
and its runtime in `__init__`, which takes no argument. The class has

    suffixes: tuple[str, ...]                   the file names that it runs, ".onnx"
    versions() -> dict[str, str]                of the runtime's packages
    open(path, thread_count) -> list[Tensor]    timed as load; gives the model's inputs
    prepare(sizes) -> None                      timed as load; `sizes` maps each input to its shape
    bind(arrays) -> Callable[[], object]        sets the inputs once; the result runs one inference and is what is timed
    outputs() -> list[Tensor]
    caller() -> Callable[[array], array]        runs one inference on an array for the first input and gives the first
                                                output; for `pocketbench accuracy`, on the host alone
    input_scale() -> tuple[float, int] | None   scale and zero point of a quantised first input; where files have them
    delegation() -> Delegation | None           None where the runtime has no delegate that takes part of a graph
    host_refusal: str | None                    why it can't run on the machine that it is imported on (another system)
    delegates: tuple[str, ...]                  what a plan's delegate may name, if any; the chosen one is set as
                                                `delegate` before `open`
    chooses_threads: bool                       True where the runtime takes no number of threads
    estimates_operators: bool                   True where those times are the runtime's estimate
    operator_profiler: str                      the module that times its operators (`operator_request.py`), if any

It raises `Refusal` for what it can explain; whatever else it raises is reported with its type.
"""
