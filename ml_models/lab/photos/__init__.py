"""Photos and their labels on disk, and as tensors: reading, splitting, checking, changing.

The function that serves preprocesses the photos. This room imports no other room.
"""
