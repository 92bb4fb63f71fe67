"""Measure the search on labelled photos, through the code that serves customers.

May import ``search`` and what is below it.
"""
