"""A training step of the reference networks in PyTorch, if it is installed: `pip install torch`.

The same layers, update and precision as gan/networks/tutorial.py and
pytorch_example.py, in both memory layouts of PyTorch, with its fused Adam.
"""

import itertools
import time
from functools import cache
from importlib.util import find_spec

LAYOUTS = ("contiguous_format", "channels_last")


def installed() -> bool:
    """Whether PyTorch can be imported."""
    return find_spec("torch") is not None


def tutorial_networks():
    """Build generator and discriminator of TensorFlow's DCGAN tutorial in PyTorch."""
    from torch import nn

    def up(inputs, outputs, stride):
        return nn.ConvTranspose2d(
            inputs, outputs, 5, stride, padding=2, output_padding=stride - 1, bias=False
        )

    generator = nn.Sequential(
        nn.Linear(100, 7 * 7 * 256, bias=False),
        nn.BatchNorm1d(7 * 7 * 256),
        nn.LeakyReLU(0.3),
        nn.Unflatten(1, (256, 7, 7)),
        *(up(256, 128, 1), nn.BatchNorm2d(128), nn.LeakyReLU(0.3)),
        *(up(128, 64, 2), nn.BatchNorm2d(64), nn.LeakyReLU(0.3)),
        *(up(64, 1, 2), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, 64, 5, 2, padding=2), nn.LeakyReLU(0.3), nn.Dropout(0.3)),
        *(nn.Conv2d(64, 128, 5, 2, padding=2), nn.LeakyReLU(0.3), nn.Dropout(0.3)),
        nn.Flatten(),
        nn.Linear(7 * 7 * 128, 1),
    )
    return generator, discriminator


def pytorch_networks():
    """Build generator and discriminator of PyTorch's DCGAN example."""
    from torch import nn

    def up(inputs, outputs):
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, padding=1, bias=False)

    def down(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 4, 2, padding=1, bias=False)

    widths = (512, 256, 128, 64)
    generator = [nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 512, 4, bias=False)]
    for inputs, outputs in itertools.pairwise(widths):
        generator += [nn.BatchNorm2d(inputs), nn.ReLU(), up(inputs, outputs)]
    generator += [nn.BatchNorm2d(64), nn.ReLU(), up(64, 3), nn.Tanh()]
    discriminator = [down(3, 64), nn.LeakyReLU(0.2)]
    for inputs, outputs in itertools.pairwise(reversed(widths)):
        discriminator += [down(inputs, outputs), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    discriminator += [nn.Conv2d(512, 1, 4, bias=False), nn.Flatten()]
    return nn.Sequential(*generator), nn.Sequential(*discriminator)


NETWORKS = {
    "tutorial": (tutorial_networks, (1, 28, 28)),
    "example": (pytorch_networks, (3, 64, 64)),
}


def turn(network: str, batch_size: int, precision: str, steps: int) -> dict[str, float]:
    """Measure images per second over a number of steps, by memory layout.

    A process keeps its networks from one turn to the next; the first warms up.
    """
    found = {}
    for layout in LAYOUTS:
        step = _step(network, batch_size, precision, layout)
        started = time.perf_counter()
        for _ in range(steps):
            loss = step()
        float(loss)
        found[layout] = steps * batch_size / (time.perf_counter() - started)
    return found


@cache
def _step(network, batch_size, precision, layout):
    """One alternating step that reuses the generated batch, as gan/model.py does."""
    import torch
    from torch.nn.functional import softplus

    layout = getattr(torch, layout)
    build, shape = NETWORKS[network]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator, discriminator = (part.to(device, memory_format=layout).train() for part in build())
    options = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True}
    for_generator = torch.optim.Adam(generator.parameters(), **options)
    for_discriminator = torch.optim.Adam(discriminator.parameters(), **options)
    real = torch.rand(batch_size, *shape).to(device, memory_format=layout) * 2 - 1
    cheap = torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")

    def step():
        with cheap:
            fake = generator(torch.randn(batch_size, 100, device=device))
            logits = discriminator(real), discriminator(fake.detach())
            loss = (softplus(-logits[0]) + softplus(logits[1])).mean()
        for_discriminator.zero_grad()
        loss.backward()
        for_discriminator.step()
        discriminator.requires_grad_(False)
        with cheap:
            loss = softplus(-discriminator(fake)).mean()
        for_generator.zero_grad()
        loss.backward()
        for_generator.step()
        discriminator.requires_grad_(True)
        return loss.detach()

    return step
