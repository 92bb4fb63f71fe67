"""Simulate how often verdicts on experiments are wrong and how early they are right.

``python -m tests.helpers.experiments`` prints the figures of docs/admin.md, in some minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.analytics.test_experiment_verdicts import arm, first, verdicts
from visualsearch.analytics.experiment_verdicts import Verdict

SEARCHES, STEP = 3000, 50


def warned(run: int, **change: Any) -> int | None:
    """Return the searches per variant until a check after every 50 warns, or None."""
    control = arm(2 * run + 1000, n=SEARCHES)
    treatment = arm(2 * run + 1001, n=SEARCHES, **change)
    for n in range(STEP, SEARCHES + 1, STEP):
        if Verdict.WORSE in verdicts(first(control, n), first(treatment, n)).values():
            return n
    return None


def main() -> None:
    """Print the share of false warnings and the delay of right ones."""
    alike = [warned(run) for run in range(300)]
    print("without a difference:", sum(each is not None for each in alike), "of 300 called worse")
    cases: dict[str, dict[str, float]] = {
        "worse in all": {"clicks": 0.11, "matched": 0.6, "median": 55.0},
        "fewer clicks alone": {"clicks": 0.105},
    }
    for name, change in cases.items():
        found = [warned(run, **change) for run in range(100)]
        told = [np.inf if each is None else each for each in found]
        print(f"{name}: median {np.median(told):.0f}, last {max(told):.0f} searches a variant")


if __name__ == "__main__":
    main()
