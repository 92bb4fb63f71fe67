"""The index and the encoder that this process searches with, kept equal to the database.

May import ``models`` and what is below them, never ``search``.
"""
