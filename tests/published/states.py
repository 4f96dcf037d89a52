"""Made-up state dicts with every name and shape of the published programs.

``names.csv`` lists names and shapes as the programs' own source builds them (no published weights
were at hand), the ImageNet trunk and the second name of the U-Net left out; both are put back here.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch

from avqa_core import rng
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS, PADDING, Vocabulary

NUM_STEPS = 10
TRUNK = {
    "visual_net.conv1.weight": torch.zeros(64, 3, 7, 7),
    "visual_net.bn1.num_batches_tracked": torch.tensor(7),
}


def shapes(program: str) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of ``avst``, or of ``missing_avqa`` which has them all."""
    programs = {"avst": {"avst"}, "missing_avqa": {"avst", "missing_avqa"}}[program]
    with (Path(__file__).parent / "names.csv").open() as stream:
        return {
            row["key"]: tuple(map(int, row["shape"].split("x")))
            for row in csv.DictReader(stream)
            if row["program"] in programs
        }


def random_state(program: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return random values under every name; no two tensors are equal."""
    generator = rng.named(seed, "published state")
    state = {
        name: _values(name, shape, generator)
        for name, shape in shapes(program).items()
        if not name.startswith("diffusion.")
    }
    if program == "missing_avqa":
        state |= diffusion_tables(NUM_STEPS)
        copies = {n: t for n, t in state.items() if n.startswith("unet.")}
        state |= {f"diffusion.model.{n.removeprefix('unet.')}": t for n, t in copies.items()}
    return {**state, **TRUNK}


def _values(name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(*shape, generator=generator)
    if name.endswith(".g") or ("norm" in name and name.endswith("weight")):
        return 1 + 0.2 * noise
    if name.endswith("bias"):
        return 0.2 * noise
    if "memory" in name or "mem_kv" in name or "word2vec" in name:
        return noise
    return 1.5 * noise / math.sqrt(math.prod(shape[1:]))


def diffusion_tables(num_steps: int) -> dict[str, torch.Tensor]:
    """Return the thirteen tables of the released program, worked out from its formulas."""
    points = torch.linspace(0, 1, num_steps + 1, dtype=torch.float64)
    level = torch.sigmoid(torch.tensor(3.0, dtype=torch.float64)) - torch.sigmoid(6 * points - 3)
    betas = (1 - level[1:] / level[:-1]).clamp(0, 0.999)
    bar = (1 - betas).cumprod(0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), bar[:-1]])
    variance = betas * (1 - before) / (1 - bar)
    tables = {
        "betas": betas,
        "alphas_cumprod": bar,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": bar.sqrt(),
        "sqrt_one_minus_alphas_cumprod": (1 - bar).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - bar).log(),
        "sqrt_recip_alphas_cumprod": (1 / bar).sqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / bar - 1).sqrt(),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": variance.clamp(min=1e-20).log(),
        "posterior_mean_coef1": betas * before.sqrt() / (1 - bar),
        "posterior_mean_coef2": (1 - before) * (1 - betas).sqrt() / (1 - bar),
        "loss_weight": bar,
    }
    return {f"diffusion.{name}": table.float() for name, table in tables.items()}


def shuffled_vocabulary(seed: int = 3) -> Vocabulary:
    """Return the language of MUSIC-AVQA in an order that is not ours."""
    generator = rng.named(seed, "order")
    words = torch.randperm(len(MUSIC_AVQA_WORDS), generator=generator).tolist()
    answers = torch.randperm(len(MUSIC_AVQA_ANSWERS), generator=generator).tolist()
    return Vocabulary(
        (PADDING, *(MUSIC_AVQA_WORDS[index] for index in words)),
        tuple(MUSIC_AVQA_ANSWERS[index] for index in answers),
    )
