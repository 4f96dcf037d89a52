"""The runs of the book: one list, from which tables, figures and the ledger read by name.

Every method starts from a backbone that was trained on complete data, one for each seed, and takes
as many steps as the others of its group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from avqa_core.completion import CompleterConfig
from avqa_core.completion.retrieval import RetrievalConfig
from avqa_core.completion.rmm import RMMConfig
from avqa_core.completion.slot_mean import SlotMeanConfig
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.config import require, unknown_key
from avqa_core.data.annotations import MUSIC_AVQA
from avqa_core.enhancement import EnhancerConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.experiments.avr_trials import AVRTrials
from avqa_core.experiments.budgets import BUDGETS
from avqa_core.experiments.capacity import widened
from avqa_core.experiments.experiment import SCENARIOS, Experiment
from avqa_core.experiments.paper_tables import BACKBONES, FIGURE_5
from avqa_core.model import ModelConfig
from avqa_core.presets import preset

# Run only when they are named: each takes as long as the rest.
EXTRA_GROUPS = ("unet", "coupling", "table1", "table3", "field")
EVERYTHING = "all"  # instead of names: the extra groups too
COUPLINGS = (0.0, 0.5, 1.0)
COUPLED = (  # of the plug-ins, what is also tried in worlds of other couplings
    "slot_mean",
    "retrieval",
    "retrieval_without_question",
    "rmm_renormalised",
    "recommended",
    "recommended_answers_only",
)
LABELLED_FRACTION = 0.02
# The answer loss is a mean over the one or two labelled questions of a batch. This gives a label
# the weight it has elsewhere; it helps a recall that sees the clip, and harms one that does not.
RECALL_WITH_FEW_LABELS = 1 / LABELLED_FRACTION
MISSING_RATES = (0.2, 0.5, 0.8)  # of training clips; at 0 stand the runs of the group joint
# Templates of these ask for left and right, or for first, last, before and after.
NEEDS_ORDER = frozenset(
    {
        "Visual Location",
        "Audio-Visual Location",
        "Audio-Visual Comparative",
        "Audio-Visual Temporal",
    }
)
NO_ORDER = tuple(str(one) for one in MUSIC_AVQA.categories if str(one) not in NEEDS_ORDER)
UNTRAINED = (  # beside a frozen backbone
    "zeros",
    "retrieval",
    "retrieval_without_question",
    "retrieval_large_bank",
    "retrieval_without_question_large_bank",
)
LARGE_BANK = 2**14  # places: more than any world of the book has training clips


def plan(profile: str, seeds: Sequence[int] | None = None) -> list[Experiment]:
    """Return every run of ``profile``, parents before their children.

    Raises:
        ConfigError: no such profile, or no seed.
    """
    if profile not in BUDGETS:
        raise ConfigError(unknown_key(profile, BUDGETS, "profile"))
    budget = BUDGETS[profile]
    seeds = range(budget.seeds) if seeds is None else seeds
    require(len(seeds) > 0, "seeds: expected at least one, got none: name some")
    runs = [one for seed in seeds for one in _Plan(budget, seed).all()]
    # Runs with a sampler cost ten times as much: after the others, so that tables fill early.
    slow = {one.key for one in runs if not isinstance(one.model.enhancer, IdentityConfig)}
    return sorted(runs, key=lambda one: bool({one.key, (one.parent, one.seed)} & slow))


def alone_name(category: str) -> str:
    """Return the name of the experiment that learns one category."""
    return f"alone/{category.lower().replace(' ', '_')}"


def groups(experiments: Iterable[Experiment]) -> list[str]:
    """Return the groups of ``experiments``, in their order."""
    return list(dict.fromkeys(one.group for one in experiments))


def chosen(experiments: Sequence[Experiment], only: Sequence[str] = ()) -> list[Experiment]:
    """Return some runs with all that they start from; without ``only`` all but the extra groups.

    Args:
        experiments: all of a plan.
        only: names of groups (``"plug_in"``) and of experiments (``"plug_in/rmm"``), or
            ``EVERYTHING``.

    Raises:
        ConfigError: nothing of such a name.
    """
    known = groups(experiments)
    if EVERYTHING in only:
        only = known
    names = dict.fromkeys(one.name for one in experiments)
    for name in only:
        if name not in known and name not in names:
            near = [one for one in names if one.split("/")[0] == name.split("/")[0]]
            raise ConfigError(unknown_key(name, near or [EVERYTHING, *known], "--only"))
    wanted = set(only) or set(known) - set(EXTRA_GROUPS)
    keys = {one.key for one in experiments if {one.group, one.name} & wanted}
    for one in reversed(experiments):  # parents come first, so children add theirs in time
        if one.key in keys and one.parent is not None:
            keys.add((one.parent, one.seed))
    return [one for one in experiments if one.key in keys]


class _Plan(AVRTrials):
    """The runs of one seed."""

    def all(self) -> Iterator[Experiment]:
        """Yield every group, parents first."""
        yield from self.complete()
        yield from self.plug_in()
        yield from self.joint()
        yield from self.table4()
        yield from self.table5()
        yield from self.table6()
        yield from self.start()
        yield from self.avr()
        yield from self.few_labels()
        yield from self.alone()
        yield from self.unet()
        for coupling in COUPLINGS:
            yield from self.coupling(coupling)
        for backbone in BACKBONES:
            if backbone != "avst":  # its rows are those of Tables 3 and 4
                yield from self.table1(backbone)
        yield from self.table3()
        yield from self.field()

    def complete(self) -> Iterator[Experiment]:
        """Yield the backbones that were never trained for absence."""
        steps, about = self.budget.published, "AVST as published"
        avst = self.paper.backbone
        yield self.published("complete/plain", f"{about}, {steps:,} steps", avst, steps)
        for name, about, backbone in (
            ("complete/positions", "AVST with the reader", self.recommended.backbone),
            ("complete/wide", "AVST with the reader, wider", self._wide().backbone),
        ):
            model = self.model(backbone, ZerosConfig())
            yield self.run(name, about, model, "plain", self.budget.complete)

    def start(self) -> Iterator[Experiment]:
        """Yield AVST as published with two ways to start, for equally many steps."""
        steps = self.budget.complete
        for name, about, is_first in (
            ("start/at_once", f"everything at once, {steps:,} steps", False),
            ("start/answer_layer_first", f"answer layer first, {steps:,} steps", True),
        ):
            model = self.model(self.paper.backbone, ZerosConfig())
            yield self.run(name, about, model, "plain", steps, answer_layer_first=is_first)

    def plug_in(self) -> Iterator[Experiment]:
        """Yield every way to complete the input of a frozen backbone."""
        for method, about, model, options in self._plug_ins():
            yield self.run(
                f"plug_in/{method}",
                about,
                model,
                "plug_in",
                self.budget.plug_in if method not in UNTRAINED else 0,
                parent="complete/positions",
                **options,
            )

    def _plug_ins(self) -> Iterator[tuple[str, str, ModelConfig, dict[str, Any]]]:
        backbone, avr = self.recommended.backbone, self.paper.enhancer
        slots = self.sized(RMMConfig())
        released = preset("released_code", self.budget.size).completer
        retrieval = self.sized(RetrievalConfig())
        of_clip = self.sized(RetrievalConfig(question_weight=0.0))
        simple: dict[str, tuple[str, CompleterConfig, EnhancerConfig]] = {
            "zeros": ("zeros, nothing is trained", ZerosConfig(), IdentityConfig()),
            "slot_mean": ("slot mean: one learned vector", SlotMeanConfig(), IdentityConfig()),
            "retrieval": ("retrieval by clip and question", retrieval, IdentityConfig()),
            "retrieval_without_question": ("retrieval by clip alone", of_clip, IdentityConfig()),
            "retrieval_large_bank": (
                "retrieval by clip and question, from all clips",
                replace(retrieval, bank_size=LARGE_BANK),
                IdentityConfig(),
            ),
            "retrieval_without_question_large_bank": (
                "retrieval by clip alone, from all clips",
                replace(of_clip, bank_size=LARGE_BANK),
                IdentityConfig(),
            ),
            "rmm": ("RMM as printed", slots, IdentityConfig()),
            "rmm_released_code": ("RMM of the released code", released, IdentityConfig()),
            "rmm_renormalised": (
                "RMM renormalised",
                replace(slots, addressing="renormalised"),
                IdentityConfig(),
            ),
            "paper": ("RMM as printed, then AVR", slots, avr),
        }
        for method, (about, completer, enhancer) in simple.items():
            yield method, about, self.model(backbone, completer, enhancer), {}
        best = self.recommended
        yield "recommended", "recommended", best, {}
        yield "recommended_recall_only", "recommended, no answers used", best, {"answers": False}
        yield "recommended_answers_only", "recommended, no recall loss", best, {"recall": 0.0}

    def joint(self) -> Iterator[Experiment]:
        """Yield what trains the backbone on from complete data, and its controls."""
        backbone = self.recommended.backbone
        zeros = self.model(backbone, ZerosConfig())
        yield self.run(
            "joint/modality_dropout_longer",
            "modality dropout, for as many steps as a plug-in",
            zeros,
            "modality_dropout",
            self.budget.plug_in,
            parent="complete/positions",
        )
        runs: list[tuple[str, str, ModelConfig, str, str, tuple[str, ...]]] = [
            ("modality_dropout", "modality dropout", zeros, "modality_dropout", "positions", ()),
            (
                "modality_dropout_wide",
                "modality dropout, wider",
                self.model(self._wide().backbone, ZerosConfig()),
                "modality_dropout",
                "wide",
                (),
            ),
            (
                "modality_dropout_adapter",
                "recommended, no recall loss",
                self.recommended,
                "modality_dropout",
                "positions",
                (),
            ),
            (
                "paper",
                "RMM as printed, then AVR",
                replace(self.paper, backbone=backbone),
                "joint",
                "positions",
                (),
            ),
            ("recommended", "recommended", self.recommended, "joint", "positions", FIGURE_5),
        ]
        for method, about, model, regime, parent, more in runs:
            yield self.run(
                f"joint/{method}",
                about,
                model,
                regime,
                self.budget.joint,
                parent=f"complete/{parent}",
                scenarios=SCENARIOS + more,
            )

    def few_labels(self) -> Iterator[Experiment]:
        """Yield what learns to cope with absence when few training questions tell their answer.

        All start from backbones that learned from complete clips and all answers.
        """
        plug_ins = {method: (about, model) for method, about, model, _ in self._plug_ins()}
        for method in ("slot_mean", "rmm", "rmm_renormalised", "recommended"):
            about, model = plug_ins[method]
            recall = RECALL_WITH_FEW_LABELS if method == "recommended" else 1.0
            yield self._with_few_labels(method, about, model, "plug_in", "positions", recall)
        yield self._with_few_labels(
            "recommended_answers_only",
            "recommended, no recall loss",
            self.recommended,
            "plug_in",
            "positions",
            0.0,
        )
        for method, parent, backbone in (
            ("modality_dropout", "positions", self.recommended.backbone),
            ("modality_dropout_wide", "wide", self._wide().backbone),
        ):
            about = "modality dropout" + (", wider" if parent == "wide" else "")
            model = self.model(backbone, ZerosConfig())
            yield self._with_few_labels(method, about, model, "modality_dropout", parent)
        # With few labels a backbone that learns on also forgets: a control that forgets less.
        gentle = self._with_few_labels(
            "modality_dropout_gentle",
            "modality dropout, a tenth of the learning rate",
            self.model(self.recommended.backbone, ZerosConfig()),
            "modality_dropout",
            "positions",
        )
        assert gentle.training is not None
        slower = replace(gentle.training, learning_rate=gentle.training.learning_rate / 10)
        yield replace(gentle, training=slower)

    def alone(self) -> Iterator[Experiment]:
        """Yield AVST as published with one category to learn, of those that need no order.

        Each has a ninth of the steps of ``start/at_once`` and starts alike: about as many questions
        of its category as that run sees among all nine.
        """
        model = self.model(self.paper.backbone, ZerosConfig())
        for category in NO_ORDER:
            yield self.run(
                alone_name(category),
                f"AVST as published, {category} alone",
                model,
                "plain",
                max(1, self.budget.complete // len(MUSIC_AVQA.categories)),
                world=f"only({category})",
                scenarios=("complete",),
            )

    def coupling(self, value: float) -> Iterator[Experiment]:
        """Yield the main methods in a world where sight tells more, or less, about sound."""
        prefix, world = f"coupling/{value}", f"coupling({value})"
        complete = f"{prefix}/complete"
        zeros = self.model(self.recommended.backbone, ZerosConfig())
        steps = self.budget.coupling
        yield self.run(complete, "never trained for absence", zeros, "plain", steps, world=world)
        for method, about, model, options in self._plug_ins():
            if method in COUPLED:
                yield self.run(
                    f"{prefix}/{method}",
                    about,
                    model,
                    "plug_in",
                    steps // 2 if method not in UNTRAINED else 0,
                    parent=complete,
                    world=world,
                    **options,
                )
        yield self.run(
            f"{prefix}/modality_dropout",
            "modality dropout",
            zeros,
            "modality_dropout",
            steps // 2,
            parent=complete,
            world=world,
        )

    def field(self) -> Iterator[Experiment]:
        """Yield two of ``joint``, trained on clips of which a share lacks one half for good."""
        zeros = self.model(self.recommended.backbone, ZerosConfig())
        for rate in MISSING_RATES:
            for method, about, model, regime in (
                ("modality_dropout", "modality dropout", zeros, "modality_dropout"),
                ("recommended", "recommended", self.recommended, "joint"),
            ):
                yield self.run(
                    f"field/{rate}/{method}",
                    f"{about}, {100 * rate:.0f} % of the training clips lack a half",
                    model,
                    regime,
                    self.budget.joint,
                    parent="complete/positions",
                    missing_rate=rate,
                )

    def _with_few_labels(
        self,
        method: str,
        about: str,
        model: ModelConfig,
        regime: str,
        parent: str,
        recall: float = 1.0,
    ) -> Experiment:
        return self.run(
            f"few_labels/{method}",
            about,
            model,
            regime,
            self.budget.few_labels,
            parent=f"complete/{parent}",
            labelled_fraction=LABELLED_FRACTION,
            recall=recall,
        )

    def _wide(self) -> ModelConfig:
        return widened(self.recommended)
