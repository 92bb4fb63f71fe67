"""Plots, tables, texts and pages that show figures to people.

This room may import photos, training and measuring.
"""
