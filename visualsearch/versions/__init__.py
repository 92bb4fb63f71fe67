"""Index versions: fit, build, evaluate, activate, roll back, delete.

May import ``evaluation``, ``search``, ``serving`` and what is below them.
"""
