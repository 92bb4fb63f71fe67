"""Commands of ``manage.py``.

May import all packages except ``api``, ``admin`` and ``contrib``.
"""
