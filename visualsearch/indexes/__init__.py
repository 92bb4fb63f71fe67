"""Store vectors and search them: FAISS, pgvector, Milvus, and an exact index as their oracle.

Imports no Django, except pgvector, which uses its database connection. May import ``encoders``
and ``metrics``.
"""
