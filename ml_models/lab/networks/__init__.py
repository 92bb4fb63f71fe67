"""Network architectures, their initial weights, and their export as ONNX graphs.

This package may import only ``photos``.
"""
