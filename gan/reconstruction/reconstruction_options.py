"""The configuration of the reconstruction loss. Importable without TensorFlow."""

from dataclasses import dataclass

from common.bounds import Hidden, bounded


@dataclass(frozen=True)
class ReconstructionConfig:
    """Reconstruction of real images by an encoder and the generator. A weight of 0 switches it off.

    Everything generated in training is then a reconstruction; after it, latent
    vectors lead to the codes of real images, and to what lies between them.
    """

    weight: float = bounded(0.0, 0)
    """Weight of the pixels' distance, beside an adversarial loss of about 1; usually 10."""
    features: Hidden[float] = bounded(1.0, 0)
    """Weight of the distance of deep features of the embedded extractor."""
    divergence: Hidden[float] = bounded(0.02, 0)
    """Weight of the divergence of the codes from the normal distribution."""
    encoder_width: Hidden[int] = bounded(16, 1, 2**10)
    """Filters of the encoder at half the resolution."""
    entries: Hidden[int] = bounded(4096, 2, 2**16)
    """Codes that the generator keeps, one per image; of larger datasets a random choice."""
    temperature: Hidden[float] = bounded(0.25, above=0)
    """Width of the transitions between two codes. Below 0.1 they are steps."""
