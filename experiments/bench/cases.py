"""What `make bench` measures; without TensorFlow."""

from dataclasses import dataclass

from gan.config import Config


@dataclass(frozen=True)
class Case:
    """Networks and images to train on.

    Attributes:
        name: For the table.
        family: Architecture family, a module of gan/networks.
        resolution: Pixels of a side.
        channels: Of the images.
        batch_size: Images per step.
        steps: Steps per turn.
        latent_size: Dimensionality of the latent vector.
    """

    name: str
    family: str
    resolution: int
    channels: int
    batch_size: int
    steps: int
    latent_size: int


CASES = {
    "default": Case("our default, 32x32, batch 256", "dcgan", 32, 1, Config.batch_size, 16, 64),
    "tutorial": Case("TensorFlow tutorial, 28x28, batch 256", "tutorial", 28, 1, 256, 8, 100),
    "example": Case("PyTorch example, 64x64, batch 128", "pytorch_example", 64, 3, 128, 4, 100),
}
GROWING = Case("growing to 64x64, batch 64", "progressive", 64, 3, 64, 8, 64)
STAGES = (16, 32, 64)  # pixels, of `GROWING`
BATCH_SIZES, RESOLUTIONS = (16, 32, 64, 128, 256), (16, 32, 64)  # of the part "growth"
STYLES = (  # extractor, pixels, turns, whether in every precision
    ("compact", 256, 16, True),
    ("compact", 512, 12, True),
    ("compact", 1024, 3, False),
    ("reference", 512, 4, True),
    ("vgg19", 256, 4, True),
    ("vgg19", 512, 3, True),
    ("vgg19", 1024, 2, False),
)
PAINTINGS = ((512, 512), (1920, 1080))  # width and height, of a network that paints
