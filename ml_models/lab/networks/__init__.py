"""Architectures, their initial weights, and their export as ONNX graphs.

This room may import photos.
"""
