"""Measure retrieval: recall and reciprocal rank, bootstrap intervals, and a page photo by photo.

Imports no Django and nothing else of this app.
"""
