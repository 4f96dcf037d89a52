"""Any backbone with any completer, any enhancer and any regime: the product as one plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, get_args

from avqa_core.backbones import BackboneConfig, backbones
from avqa_core.completion import completers
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.config import require, unknown_key
from avqa_core.data.availability import Scenario
from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.enhancement import EnhancerConfig, enhancers
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.experiments.budgets import BUDGETS, Budget
from avqa_core.experiments.capacity import num_parameters
from avqa_core.experiments.experiment import SCENARIOS, Experiment
from avqa_core.experiments.recipe import Recipe
from avqa_core.losses import Regime
from avqa_core.model import ModelConfig
from avqa_core.presets import assign, preset
from avqa_core.registry import Registry

RECOMMENDED = "recommended"  # a backbone beside the registered ones: that of the preset
ALL = "all"
# a part may come with fields, as in rmm:num_slots=25,addressing=renormalised
_FIELDS = ":"
_NEXT_FIELD = re.compile(r",(?=[a-z_.]+=)")


def plan(
    profile: str,
    *,
    backbone_names: Sequence[str],
    completer_names: Sequence[str],
    enhancer_names: Sequence[str],
    regimes: Sequence[str],
    seeds: Sequence[int],
    scenarios: Sequence[str] = (ALL,),
    budget: Budget | None = None,
) -> list[Experiment]:
    """Return the runs of a grid, parents before their children.

    Every row starts from its backbone trained on complete clips, one for each seed; that run is the
    row ``plain``. All rows of a regime take the same steps.

    Args:
        profile: whose sizes and steps.
        backbone_names: registered ones, or ``recommended``; like all parts also with fields, for
            example ``avst:positions=learned``, which makes a row of its own.
        completer_names: registered ones.
        enhancer_names: registered ones.
        regimes: of ``plain``, ``joint``, ``modality_dropout`` and ``plug_in``.
        seeds: one run of each row for each of them.
        scenarios: in which the test split is answered; ``all`` are the four with whole modalities.
        budget: sizes and steps; those of the profile if None.

    Raises:
        ConfigError: an unknown name or field, or none of a kind.
    """
    require(profile in BUDGETS, unknown_key(profile, BUDGETS, "profile"))
    wanted = tuple(
        one
        for name in scenarios
        for one in (SCENARIOS if name == ALL else [_checked_scenario(name)])
    )
    _check("--backbones", backbone_names, [*backbones, RECOMMENDED], _part)
    _check("--completers", completer_names, completers, _part)
    _check("--enhancers", enhancer_names, enhancers, _part)
    _check("--regimes", regimes, get_args(Regime))
    _check("--seeds", seeds, seeds)
    _check("--scenarios", wanted, wanted)
    runs: list[Experiment] = []
    for seed in seeds:
        rows = _Rows(Recipe(budget or BUDGETS[profile], seed), wanted)
        for backbone in backbone_names:
            runs.append(rows.plain(backbone))
            for regime, completer, enhancer in product(regimes, completer_names, enhancer_names):
                if regime != "plain":
                    runs.append(rows.row(backbone, completer, enhancer, regime))
    return runs


def row_name(backbone: str, completer: str, enhancer: str, regime: str) -> str:
    """Return the name of a row, e.g. ``grid/avst/rmm/identity/plug_in``."""
    return "/".join(("grid", backbone, completer, enhancer, regime))


def plain_name(backbone: str) -> str:
    """Return the name of the row that everything else with a backbone starts from."""
    return row_name(backbone, "zeros", "identity", "plain")


class _Rows:
    """The rows of one seed."""

    def __init__(self, recipe: Recipe, scenarios: tuple[str, ...]) -> None:
        self.recipe, self.scenarios = recipe, scenarios

    def plain(self, backbone: str) -> Experiment:
        """Return the run that the others with a backbone start from; its answer layer starts."""
        return self.recipe.run(
            plain_name(backbone),
            f"{backbone}, never trained for absence",
            self.recipe.model(self._backbone(backbone), ZerosConfig()),
            "plain",
            self.recipe.budget.complete,
            answer_layer_first=True,
            scenarios=self.scenarios,
        )

    def row(self, backbone: str, completer: str, enhancer: str, regime: str) -> Experiment:
        """Return one row; nothing is trained beside a frozen backbone if nothing can learn."""
        model = self.recipe.model(
            self._backbone(backbone),
            self._with_fields(completer, completers.config(_part(completer))()),
            self._enhancer(enhancer),
        )
        budget = self.recipe.budget
        steps = budget.plug_in if regime == "plug_in" else budget.joint
        return self.recipe.run(
            row_name(backbone, completer, enhancer, regime),
            f"{backbone} with {completer} and {enhancer}, {regime.replace('_', ' ')}",
            model,
            regime,
            0 if regime == "plug_in" and not _learns(model) else steps,
            parent=plain_name(backbone),
            scenarios=self.scenarios,
        )

    def _backbone(self, name: str) -> BackboneConfig:
        is_recommended = _part(name) == RECOMMENDED
        config: BackboneConfig = self._with_fields(
            name,
            preset(RECOMMENDED).backbone if is_recommended else backbones.config(_part(name))(),
        )
        return config

    def _enhancer(self, name: str) -> EnhancerConfig:
        """Return an enhancer at its size; the sampler takes the light denoiser, as in the book."""
        config: EnhancerConfig = enhancers.config(_part(name))()
        if isinstance(config, AVRDiffusionConfig):
            config = replace(config, denoiser=LightConfig())
        chosen: EnhancerConfig = self._with_fields(name, config)
        return chosen

    def _with_fields(self, name: str, config: Any) -> Any:
        """Return a part at its size, with the fields that its name sets."""
        part = self.recipe.sized(config)
        fields = name.partition(_FIELDS)[2]
        for assignment in _NEXT_FIELD.split(fields) if fields else ():
            path, is_one, text = assignment.partition("=")
            require(
                bool(path and is_one),
                f"{name}: expected PART:FIELD=VALUE,…, got {assignment!r} after the part",
            )
            try:
                part = assign(part, path, text, self.recipe.sizes)
            except ConfigError as error:
                raise ConfigError(f"{name}: {error}") from error
        return part


def _learns(model: ModelConfig) -> bool:
    """Tell whether completer or enhancer has a number to learn."""
    alone = replace(model, completer=ZerosConfig(), enhancer=IdentityConfig())
    return num_parameters(model) > num_parameters(alone)


def _part(name: str) -> str:
    """Return the part of a name that may set fields of it too."""
    return name.partition(_FIELDS)[0]


def _check(
    option: str,
    given: Sequence[Any],
    known: Sequence[Any] | Registry,
    name_of: Callable[[Any], Any] = lambda one: one,
) -> None:
    require(len(given) > 0, f"{option}: expected at least one, got none: name some")
    for name in map(name_of, given):
        require(name in known, unknown_key(str(name), [str(one) for one in known], option))
    require(
        len(set(given)) == len(given),
        f"{option}: expected each once, got {', '.join(map(str, given))}",
    )


def _checked_scenario(name: str) -> str:
    try:
        return str(Scenario.parse(name))
    except ConfigError as error:
        raise ConfigError(f"--scenarios: {error}") from error
