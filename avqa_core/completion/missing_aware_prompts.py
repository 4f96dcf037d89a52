"""Missing-aware prompts: learned tokens for each way to miss something (Lee et al., CVPR 2023).

"Multimodal Prompting with Missing Modalities for Visual Recognition", Sec. 3: a trained network
stays as it is, and what it is given beside the input depends on which modality is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.config import require
from avqa_core.types import Completion, Features, Modality

# ways to miss something; rows that miss nothing bypass every completer
AUDIO_GONE, VISUAL_GONE, BOTH_GONE = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAwarePromptsConfig(CompleterConfig):
    """Which form the prompts take.

    Attributes:
        form: ``input`` stands in the place of the absent stream, for any backbone; ``prefix`` goes
            before keys and values of an attention over time, for a backbone that has one: of ours
            AVST.
        num_prompts: of the prefix, half of them keys and half values; 16 as published.
    """

    form: Literal["input", "prefix"] = "input"
    num_prompts: int = 16

    def __post_init__(self) -> None:
        require(
            self.num_prompts >= 2 and self.num_prompts % 2 == 0,
            "missing_aware_prompts: expected an even num_prompts >= 2, as half are keys and half "
            f"are values, got {self.num_prompts}",
        )


@completers.register("missing_aware_prompts", MissingAwarePromptsConfig)
class MissingAwarePrompts(Completer):
    """Prompts chosen by what is missing.

    Departure: the published prompts go into six layers of one transformer over all tokens. The
    backbones of this book have no such transformer: ``input`` prompts are the tokens of the absent
    stream, one for each segment, laid over the grid together with a pattern; ``prefix`` prompts go
    into the question's attention over time, with zeros for the absent stream, before its
    projections of keys and values instead of behind them. The published method also trains the
    classifier; here the regime decides what learns beside the prompts. Prompts are chosen segment
    by segment, the prefix by what a clip misses anywhere. Complete rows bypass a completer (Eq. 8),
    so there is no prompt for them, and prompts start as small noise.
    """

    def __init__(self, config: MissingAwarePromptsConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        self.makes_prompts = config.form == "prefix"
        shape = (dims.num_segments, dims.channels)
        if config.form == "input":
            # of sound: gone alone, gone with the picture; of the picture likewise
            self.audio = nn.Parameter(0.02 * torch.randn(2, *shape))
            self.visual = nn.Parameter(0.02 * torch.randn(2, *shape))
            self.pattern = nn.Parameter(torch.zeros(2, dims.channels, dims.height, dims.width))
        else:
            prefix = (3, len(Modality), config.num_prompts, dims.channels)
            self.prefix = nn.Parameter(0.02 * torch.randn(*prefix))

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return the pair with prompts for what is absent, in it or beside it."""
        seen = features.blanked(availability)
        if self.config.form == "prefix":
            return Completion(
                features=replace(seen, prompts=self._prefix(availability)),
                pseudo_audio=torch.zeros_like(seen.audio),
                pseudo_visual=torch.zeros_like(seen.visual),
            )
        num_segments = seen.audio.shape[1]
        is_both = (~availability).all(dim=-1)
        pseudo_audio = torch.where(
            is_both[..., None], self.audio[1, :num_segments], self.audio[0, :num_segments]
        )
        grids = self.visual[:, :num_segments, :, None, None] + self.pattern[:, None]
        pseudo_visual = torch.where(is_both[..., None, None, None], grids[1], grids[0])
        return Completion(
            features=seen.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
        )

    def _prefix(self, availability: Bool[Tensor, "B T 2"]) -> Float[Tensor, "B S P C"]:
        """Return the prompts of each row; zeros, which nobody looks at, of whole clips."""
        misses_audio, misses_visual = (~availability).any(dim=1).unbind(dim=-1)
        way = torch.full_like(misses_audio, VISUAL_GONE, dtype=torch.long)
        way = torch.where(misses_audio, AUDIO_GONE, way)
        way = torch.where(misses_audio & misses_visual, BOTH_GONE, way)
        misses = (misses_audio | misses_visual)[:, None, None, None]
        return torch.where(misses, self.prefix[way], 0.0)
