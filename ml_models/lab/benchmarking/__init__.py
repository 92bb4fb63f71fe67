"""The comparison of network architectures: the same photos, recipe and measurements for each.

This room may import photos, networks, training and measuring.
"""
