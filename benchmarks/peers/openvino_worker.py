"""A worker that runs one model in ONNX Runtime or OpenVINO, on one thread, tuned for latency.

python openvino_worker.py onnxruntime|openvino MODEL.onnx OUTPUT SIDE
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import io

import numpy as np
from PIL import Image

from benchmarks.search.lockstep import serve


def by_onnxruntime(model: str, output: str) -> Callable[[Any], Any]:
    """Return a function that runs the model in ONNX Runtime on one thread, as the floor does.

    ``output``: name of the output to return. The function takes pixels (1, side, side, 3) uint8.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run([output], {name: batch})[0]


def by_openvino(model: str, output: str) -> Callable[[Any], Any]:
    """Return a function that runs the model in OpenVINO, with one stream and one thread.

    ``output``: name of the output to return. The function takes pixels (1, side, side, 3) uint8.
    """
    import openvino

    core = openvino.Core()
    read = core.read_model(model)
    read.reshape([1, *[int(str(side)) for side in list(read.input().partial_shape)[1:]]])
    tuned = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = core.compile_model(read, "CPU", tuned)
    request, wanted = compiled.create_infer_request(), compiled.output(output)
    return lambda batch: request.infer([batch], share_inputs=True)[wanted]


def main() -> None:
    kind, model, output, side = sys.argv[1:]
    run = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}[kind](model, output)

    def call(data: bytes) -> dict[str, Any]:
        image = Image.open(io.BytesIO(data)).convert("RGB").resize((int(side), int(side)))
        batch = np.asarray(image)[None]
        start, cpu = time.perf_counter(), time.process_time()
        run(batch)
        spent = (time.perf_counter() - start) * 1000
        used = (time.process_time() - cpu) * 1000
        return {"ms": spent, "cpu_ms": used, "stages": {"encode": spent}}

    serve(call)


if __name__ == "__main__":
    main()
