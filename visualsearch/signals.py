"""What a process tells whoever wants to know: for metrics, logs and traces, or a shop's own use.

Sent with ``send_robust``, so that a receiver's error is logged and stops nothing, and with
``sender=None``. Receivers of searches run between two searches of a thread: they must be quick.
"""

from django.dispatch import Signal

searched = Signal()
"""A search was done, in the process that did it, after its answer was on its way.

:param what: ``"search"`` by a photo, ``"page"`` of an earlier one, or ``"similar"`` to an item
:param took_ms: milliseconds by stage; ``decode`` in the web process, ``queue`` before a worker took
    it, ``encode``, ``index``, ``products``, and ``total`` of them
:param matched: whether the best hit is the very item, as far as the model can say
:param model: the encoder's id
:param index_version: the primary key of the index version
"""

refused = Signal()
"""A client was refused, in the process that answers it.

:param code: the ``code`` of a :class:`visualsearch.exceptions.VisualSearchError`
"""

job_posted = Signal()
"""A web process hands a job to the search workers.

:param context: a dict that travels with the job; receivers may put plain values into it
"""

job_taken = Signal()
"""A search worker begins a job, in a :mod:`contextvars` context that ends with it.

:param what: as of :data:`searched`, or ``"classify"``
:param context: what the receivers of :data:`job_posted` put into it
"""

job_done = Signal()
"""A search worker has answered a job, in the same context.

:param refused: the code of the refusal that it answered with, or ``""``
"""

job_dropped = Signal()
"""A search worker found a job whose deadline was over; who asked has been told long ago."""

images_indexed = Signal()
"""A batch of images was stored.

:param encoder: the encoder's id
:param counts: images by what became of them: ``encoded``, ``unchanged``, ``failed``, ``removed``
"""

version_activated = Signal()
"""Another index version answers searches from now on.

:param version: the :class:`visualsearch.models.IndexVersion`
"""
