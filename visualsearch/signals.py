"""Signals that this app sends, for metrics, logs, traces or a shop's own code.

They are sent with ``send_robust``, so that a receiver's error is logged and stops nothing, and with
``sender=None``. Receivers of searches run in the thread that searches: they must be fast.
"""

from django.dispatch import Signal

searched = Signal()
"""A search was done; sent by the process that did it, when the answer is ready.

:param what: ``"search"`` with a photo, ``"page"`` of an earlier search, or ``"similar"`` to an item
:param took_ms: milliseconds by stage; ``decode`` in the web process, ``queue`` before a worker took
    it, ``encode``, ``index``, ``products``, and ``total``, their sum
:param matched: whether the best hit reaches the model's match threshold
:param model: the encoder's id
:param index_version: the primary key of the index version
"""

refused = Signal()
"""A request was refused; sent by the process that responds to it.

:param code: the ``code`` of a :class:`visualsearch.exceptions.VisualSearchError`
"""

job_posted = Signal()
"""A web process is about to queue a job for the search workers.

:param context: a dict sent with the job; receivers may add plain values to it
"""

job_taken = Signal()
"""A search worker starts a job, in a :mod:`contextvars` context of its own.

:param what: as in :data:`searched`, or ``"classify"``
:param context: the values added by the receivers of :data:`job_posted`
"""

job_done = Signal()
"""A search worker has answered a job; sent in the context of :data:`job_taken`.

:param refused: the code of the error with which the job failed, ``""`` if it succeeded
"""

job_dropped = Signal()
"""A search worker dropped a job that was past its deadline."""

images_indexed = Signal()
"""A batch of images was stored.

:param encoder: the encoder's id
:param counts: images by outcome: ``encoded``, ``unchanged``, ``failed``, ``removed``
"""

version_activated = Signal()
"""An index version was activated and answers searches from now on.

:param version: the :class:`visualsearch.models.IndexVersion`
"""
