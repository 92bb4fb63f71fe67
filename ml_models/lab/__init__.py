"""Make and measure the models: one script per verb, on helpers in rooms.

A room is a package of helpers. It imports only lower rooms, and never a verb.
"""

import os

# ONNX Runtime would report to its maker which models run, and how fast; read while it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
