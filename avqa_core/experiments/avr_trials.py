"""The runs that ask what AVR does to a model: parts of it taken away, changed, or trained longer.

They are ``table4/paper``, RMM and AVR, with one thing changed, and start from the same networks;
what they are compared with, RMM alone and modality dropout, is trained as long too.
Most walk the chain in a single step, from K to 0, so that they cost little; ``one_step`` shows what
that alone changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from avqa_core.completion.zeros import ZerosConfig
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.experiments.experiment import Experiment
from avqa_core.experiments.paper_tables import PaperTables
from avqa_core.model import ModelConfig

LONGER = 5  # times the steps of Table 4


class AVRTrials(PaperTables):
    """The runs of one seed."""

    def avr(self) -> Iterator[Experiment]:
        """Yield AVR taken away at the test, changed, and it and its controls trained longer."""
        rmm = replace(self.paper, enhancer=IdentityConfig())
        taken = self.run(
            "avr/taken_away",
            "RMM and AVR, AVR taken away at the test",
            rmm,
            "joint",
            0,
            parent="table4/paper",
        )
        yield replace(taken, parts=("backbone", "completer"))
        avr = self.paper.enhancer
        assert isinstance(avr, AVRDiffusionConfig)
        one_step = replace(avr, diffusion=replace(avr.diffusion, num_sampling_steps=1))
        for method, about, enhancer, times in (
            ("missing_only", "only the missing half", replace(avr, outputs="missing_only"), 1),
            ("one_step", "a chain of one step", one_step, 1),
            (
                "one_step_reconstruction",
                "one step, halves compared with real ones",
                replace(one_step, reconstruction_weight=1.0),
                1,
            ),
            ("one_step_longer", f"one step, {LONGER} times as long", one_step, LONGER),
            (
                "one_step_missing_only_longer",
                f"one step, only the missing half, {LONGER} times as long",
                replace(one_step, outputs="missing_only"),
                LONGER,
            ),
            ("paper_longer", f"{LONGER} times as long", avr, LONGER),
        ):
            model = replace(self.paper, enhancer=enhancer)
            yield self._trial(method, f"RMM and AVR, {about}", model, times)
        longer = f"{LONGER} times as long"
        yield self._trial("rmm_longer", f"RMM, {longer}", rmm, LONGER)
        zeros = self.model(self.paper.backbone, ZerosConfig())
        yield self._trial(
            "modality_dropout_longer",
            f"modality dropout, {longer}",
            zeros,
            LONGER,
            regime="modality_dropout",
        )

    def _trial(
        self, method: str, about: str, model: ModelConfig, times: int, regime: str = "joint"
    ) -> Experiment:
        steps = times * self.budget.joint
        return self.run(f"avr/{method}", about, model, regime, steps, parent="complete/plain")
