"""CLIP ViT-B/32: picture -> class token and 7 x 7 patches; question -> one vector and words.

Radford et al. (ICML 2021), used by PSTP-Net as all 50 tokens of a picture after the last
normalisation and the projection. The network is that of the optional package ``transformers``, read
from a local folder and never from a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor

from avqa_core.checksums import sha256
from avqa_core.encoders.base import OfOneNetwork, VisualEncoder
from avqa_core.errors import FeatureError

NUM_WORDS = 77
MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
PUBLISHED = "the folder openai/clip-vit-base-patch32 (https://huggingface.co/openai)"


class ClipEncoder(OfOneNetwork, VisualEncoder):
    """Pictures of 224 x 224 -> ``visual`` ``[512, 7, 7]``, the patches, and ``visual_class``."""

    name = "clip"
    _network: Any  # of a package that need not be there

    def __init__(self, network: Any, weights_hash: str, tokenizer: Any = None) -> None:
        self._network, self._tokenizer, self.weights_hash = network, tokenizer, weights_hash
        vision, self.width = network.config.vision_config, network.config.projection_dim
        grid = vision.image_size // vision.patch_size
        self.side = vision.image_size
        self.shapes = {"visual": (self.width, grid, grid), "visual_class": (self.width,)}

    @classmethod
    def load(cls, places: Sequence[Path]) -> ClipEncoder:
        """Load network and tokenizer from a folder that the user named, or one in it.

        Raises:
            FeatureError: ``transformers`` is not installed, or there is no such folder.
        """
        transformers = _transformers()
        folder = _folder(places)
        files = [one for one in sorted(folder.iterdir()) if one.suffix in (".safetensors", ".bin")]
        try:
            network, told = transformers.CLIPModel.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
            tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise _not_whole(folder, reason) from error
        # What a file lacks would silently be drawn at random.
        lacking = [*told["missing_keys"], *told["mismatched_keys"]]
        if lacking:
            raise _not_whole(folder, f"weights without {', '.join(map(str, sorted(lacking)))}")
        return cls(network.eval().requires_grad_(False), sha256(*files), tokenizer)

    @torch.inference_mode()
    def tokens(self, pictures: UInt8[Tensor, "n Y X 3"]) -> Float[Tensor, "n tokens D"]:
        """Return all tokens of each picture, normalised and projected; the first is the class."""
        planes = pictures.to(self.device).permute(0, 3, 1, 2).float() / 255.0
        mean, spread = (planes.new_tensor(one)[:, None, None] for one in (MEAN, SPREAD))
        vision = self._network.vision_model
        states = vision(pixel_values=(planes - mean) / spread).last_hidden_state
        return self._network.visual_projection(vision.post_layernorm(states))

    def __call__(
        self, pictures: UInt8[Tensor, "n Y X 3"]
    ) -> Mapping[str, Float[Tensor, "n D ..."]]:
        """Return the patches of each picture on their grid, and its class token."""
        tokens = self.tokens(pictures)
        _, height, width = self.shapes["visual"]
        patches = tokens[:, 1:].transpose(1, 2).unflatten(-1, (height, width))
        return {"visual": patches, "visual_class": tokens[:, 0]}

    @torch.inference_mode()
    def texts(
        self, questions: Sequence[str]
    ) -> tuple[Float[Tensor, "n 1 D"], Float[Tensor, "n 77 D"]]:
        """Return the vector of each text, and its words padded to 77, both projected.

        Departure: behind the end of a text the published tokens are zeros, here they are whatever
        the tokenizer in the folder pads with; no word before them, nor the vector, can tell.

        Args:
            questions: with their slots filled and without question mark, as the recipe has them.
        """
        coded = self._tokenizer(
            list(questions),
            padding="max_length",
            truncation=True,
            max_length=self._network.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.device)
        said = self._network.text_model(**coded)
        project = self._network.text_projection
        return project(said.pooler_output)[:, None], project(said.last_hidden_state)


def _not_whole(folder: Path, reason: str) -> FeatureError:
    return FeatureError(f"expected a whole CLIP in {folder}, got {reason}: copy {PUBLISHED} again")


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise FeatureError(
            "expected the package transformers for CLIP, got an installation without: install it "
            "with pip install 'avqa-core[encoders]', or choose --visual resnet18"
        ) from error
    return transformers


def _folder(places: Sequence[Path]) -> Path:
    """Return the first folder of, or in, ``places`` that describes a CLIP."""
    for place in places:
        inside = sorted(one for one in place.iterdir() if one.is_dir()) if place.is_dir() else []
        for folder in [place, *inside]:
            try:
                described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(described, dict) and described.get("model_type") == "clip":
                return folder
    raise FeatureError(
        f"expected the folder of a CLIP in {', '.join(map(str, places)) or 'no place'}, got none "
        f"with a config.json of model_type clip: get {PUBLISHED}, and name it with --weights "
        "(nothing is downloaded for you)"
    )
