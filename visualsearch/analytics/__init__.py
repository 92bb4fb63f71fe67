"""Figures of searches and events for staff, and the verdict on an experiment.

May import ``models``, ``serving`` and ``versions``. ``statistics`` and ``sequential_verdicts``
import no Django.
"""
