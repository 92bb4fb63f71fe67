"""Trained networks from which a student network learns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..networks.shopnet import ShopNet


class Teachers:
    """Teacher networks: the first one's search features, and the mean class probabilities."""

    def __init__(self, networks: Sequence[ShopNet], student: ShopNet):
        """Avoid repeated work: run a trunk that all teachers share once.

        If it equals the student's frozen trunk, reuse the student's maps.
        """
        self.networks = [network.eval().requires_grad_(False) for network in networks]
        trunks = [network.trunk for network in networks]
        self.one_trunk = bool(trunks) and all(same(trunk, trunks[0]) for trunk in trunks[1:])
        self.students_trunk = (
            self.one_trunk and not learns(student.trunk) and same(trunks[0], student.trunk)
        )

    @torch.no_grad()
    def look(self, x: Tensor, shared: Tensor) -> list[Tensor]:
        """Return the trunk's maps of each teacher for views ``x`` (N, 3, s, s) in [-1, 1].

        ``shared``: the student's maps for the same views, reused if the teachers have the same
        trunk.
        """
        if self.students_trunk:
            return [shared.detach()] * len(self.networks)
        if self.one_trunk:
            return [self.networks[0].trunk(x)] * len(self.networks)
        return [network.trunk(x) for network in self.networks]

    @torch.no_grad()
    def features(self, seen: Sequence[Tensor]) -> Tensor:
        """Return the first teacher's search features (N, semantic_dim).

        ``seen``: the trunk's maps of each teacher, from :meth:`look`.
        """
        first = self.networks[0]
        return first.search_projection(first.search_tail(seen[0]).mean((2, 3))).float()

    @torch.no_grad()
    def probabilities(self, seen: Sequence[Tensor]) -> Tensor:
        """Return the teachers' mean class probabilities (N, classes).

        ``seen``: the trunk's maps of each teacher, from :meth:`look`.
        """
        logits = [
            network.class_branch(shared)
            for network, shared in zip(self.networks, seen, strict=True)
        ]
        return torch.stack(logits).float().softmax(2).mean(0)


def learns(*parts: nn.Module) -> bool:
    """Return whether any parameter of these modules takes gradients."""
    return any(parameter.requires_grad for part in parts for parameter in part.parameters())


def same(one: nn.Module, other: nn.Module) -> bool:
    """Return whether two networks have bitwise equal weights."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name].to(ours[name].device)) for name in ours
    )
