"""Keep stored embeddings equal to the catalog: runs, their items and images, and drift.

May import ``versions`` and what is below it; knows neither ``web`` nor ``api``.
"""
