"""Makes and measures the models: one script per verb."""

import os

# ONNX Runtime would report to its maker which models run, and how fast; read while it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
