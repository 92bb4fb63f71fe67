"""Train, compress, measure and package the image models.

Each module at the top of this package is a command, run with ``python -m``. The packages below it
hold their helpers. A helper package may import only the packages that its docstring names.
"""

import os

# ONNX Runtime would report to its maker which models run, and how fast; read while it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
