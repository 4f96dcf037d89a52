"""Every field of every registered part takes a value that no part can use, and says so."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest

from avqa_core import rng, small_models
from avqa_core.backbones import backbones
from avqa_core.completion import completers
from avqa_core.completion.rmm import RMMConfig
from avqa_core.config import override
from avqa_core.diffusion.denoiser import LightConfig, denoisers
from avqa_core.enhancement import enhancers
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.errors import AvqaError
from avqa_core.losses import ObjectiveConfig, compute_losses
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.presets import resize
from avqa_core.small_models import DIMS, SMALL

WHOLE = small_models.small_model("rmm", "avr_diffusion", "avst").config
PARTS: dict[str, ModelConfig] = {
    **{
        f"{family}.{name}": resize(
            dataclasses.replace(WHOLE, **{family: registry.config(name)()}), SMALL
        )
        for family, registry in (
            ("backbone", backbones),
            ("completer", completers),
            ("enhancer", enhancers),
        )
        for name in registry
    },
    **{
        f"enhancer.denoiser.{name}": resize(
            dataclasses.replace(
                WHOLE, enhancer=AVRDiffusionConfig(denoiser=denoisers.config(name)())
            ),
            SMALL,
        )
        for name in denoisers
    },
}
UNUSABLE: dict[type, tuple[object, ...]] = {
    bool: (),
    int: (-1, 0),
    float: (-1.0, math.inf, math.nan),
    str: ("nonsense",),
}
FAST = (0, math.nan, "nonsense")  # one of each kind; the others belong to the slow tests


def leaves(config: Any, path: str) -> Iterator[tuple[str, object]]:
    """Yield the dotted path and the value of every field that is a number or a name."""
    for one in dataclasses.fields(config):
        value = getattr(config, one.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{path}.{one.name}")
        elif type(value) in UNUSABLE:
            yield f"{path}.{one.name}", value


def trials() -> Iterator[Any]:
    for name, model in PARTS.items():
        family = name.partition(".")[0]
        for path, value in leaves(getattr(model, family), family):
            if "denoiser" in name and not path.startswith("enhancer.denoiser"):
                continue
            for unusable in UNUSABLE[type(value)]:
                marks = [] if unusable in FAST else [pytest.mark.slow]
                identity = f"{name}-{path}-{unusable}"
                yield pytest.param(model, path, unusable, id=identity, marks=marks)


@pytest.mark.parametrize(("model", "path", "value"), list(trials()))
def test_a_value_is_refused_by_name_or_it_trains(model: ModelConfig, path: str, value: object):
    batch = small_models.make_batch()
    try:
        with rng.initialising(0):
            built = MissingModalityAVQA(override(model, path, value), DIMS)
    except AvqaError as error:
        assert path.rpartition(".")[2] in str(error)
        return
    built.completer.fit([built.encode(batch)], generator=rng.named(0, "fit"))
    losses = compute_losses(built, batch, ObjectiveConfig(), generator=rng.named(0, "losses"))
    means = {
        name: float(term.total.detach() / term.count) for name, term in losses.items() if term.count
    }
    assert all(math.isfinite(mean) for mean in means.values()), means


def unchecked(config: Any, field: str, value: object) -> Any:
    """Return a copy with a field set behind the back of the type checker that tests run under."""
    copy = dataclasses.replace(config)
    object.__setattr__(copy, field, value)
    return copy


MISSPELT = unchecked(WHOLE, "completer", unchecked(RMMConfig(), "addressing", "renormalized"))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (MISSPELT, r"model\.completer\.addressing: .*'renormalised'.*got 'renormalized'"),
        (unchecked(WHOLE, "completer", None), r"model\.completer: .*got None"),
        (unchecked(WHOLE, "completer", LightConfig()), r"completer out of .*got 'light'"),
    ],
)
def test_python_may_set_no_more_than_a_config_file(config: ModelConfig, told: str):
    with pytest.raises(AvqaError, match=told):
        MissingModalityAVQA(config, DIMS)
