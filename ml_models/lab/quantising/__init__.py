"""Convert exported graphs to int8 convolutions with the same result on every processor.

Also measure how well the converted graphs agree with the original. This package may import only
``photos`` and ``networks``.
"""
