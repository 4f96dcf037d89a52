"""Chapter 15: how many of those who are seen are heard."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core.checks.verdict import Verdict, expect, is_close, tensor, verdict


def sounding_players(solution: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """Check the count of players on stage whose instrument is heard.

    Args:
        solution: players [clips, instruments] and whether each instrument is heard, of the same
            shape, to one count a clip.
    """
    players = torch.tensor([[2, 0, 1, 3], [0, 0, 0, 2], [1, 1, 0, 0]])
    heard = torch.tensor(
        [[True, True, False, True], [True, False, False, False], [True, True, True, False]]
    )
    wanted = (players * heard).sum(dim=1)

    def check() -> str:
        said = tensor(solution(players, heard), wanted.shape)
        expect(
            not is_close(said, players.sum(dim=1)),
            "that counts everybody on stage: some of them are silent",
        )
        expect(
            not is_close(said, ((players > 0) & heard).sum(dim=1)),
            "that counts kinds of instruments: two flutes are two players",
        )
        expect(
            not is_close(said, heard.sum(dim=1)),
            "that counts sounds: some of them come from nobody on stage",
        )
        expect(
            is_close(said, wanted),
            f"expected {wanted.tolist()} players who are heard, got {said.tolist()}",
        )
        return "each player counts if the instrument is heard, and not otherwise"

    return verdict(check)
