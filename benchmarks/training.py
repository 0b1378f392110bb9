"""Training `vae-dense` beside the VAE that tutorials start from: images a second, and -elbo on the test digits.

The other one is written here from its description (the basic VAE of pytorch/examples): 784-400-20-400-784, Adam with a
rate of 1e-3, batches of 128 from a DataLoader that turns one PIL image after the other into a tensor. Run it with nothing
else on the machine: python benchmarks/training.py --data-dir DIR
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.machine import table
from cvae import checkpoints, data, metrics, training
from cvae.gaussian import DiagonalGaussian
from cvae.presets import PRESETS

BATCH, SEED = 128, 0


class TutorialVAE(nn.Module):
    """784-400-20-400-784 with ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mu, self.logvar = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())

    def terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return nll and kl, each summed over the batch, for x (N, 1, 28, 28) and one sample of z."""
        x = x.flatten(1)
        h = self.hidden(x).relu()
        posterior = DiagonalGaussian(self.mu(h), self.logvar(h))
        means = self.decoder(posterior.sample())
        return F.binary_cross_entropy(means, x, reduction="sum"), posterior.kl(DiagonalGaussian.standard(20, x)).sum()


def tutorial(root: Path, epochs: int) -> tuple[float, float]:
    """Return images a second and -elbo of the test set in nats."""
    torch.manual_seed(SEED)
    vision = data.torchvision()
    digits = vision.datasets.MNIST(str(root), train=True, transform=vision.transforms.ToTensor(), download=False)
    loader = DataLoader(digits, batch_size=BATCH, shuffle=True)
    model = TutorialVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    begin = time.perf_counter()
    for _ in range(epochs):
        for x, _ in loader:
            optimizer.zero_grad()
            sum(model.terms(x)).backward()
            optimizer.step()
    rate = epochs * len(digits) / (time.perf_counter() - begin)
    test = data.mnist(root, False).pixels()
    with torch.inference_mode():
        return rate, float(sum(model.terms(test))) / len(test)


def ours(root: Path, epochs: int) -> tuple[float, float]:
    """Return the same of the preset, everything that `train.py` does after an epoch included."""
    preset = PRESETS["vae-dense"]
    preset = replace(preset, train=replace(preset.train, epochs=epochs, batch_size=BATCH, seed=SEED))
    images, held_out = data.training_split(preset.data, preset.model.image_shape, root)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        training.fit(preset, images, held_out, Path(folder), Fabric(accelerator="cpu", devices=1))
        rate = epochs * len(images) / (time.perf_counter() - begin)
        model = checkpoints.load_run(folder)
    nll, kl = metrics.nll_and_kl(model, data.mnist(root, False).pixels(), None, torch.Generator().manual_seed(SEED))
    return rate, float((nll + kl).mean())


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data-dir", type=Path, default=os.environ.get("CVAE_DATA_DIR", "data"))
    p.add_argument("--epochs", type=int, default=10)
    args = p.parse_args()
    found = {"the tutorial's VAE": tutorial(Path(args.data_dir), args.epochs), "vae-dense": ours(Path(args.data_dir), args.epochs)}
    base = found["the tutorial's VAE"][0]
    rows = [("652,824 parameters, batches of 128", "images a second", "ratio", f"test -elbo after {args.epochs} epochs")]
    rows += [(name, f"{rate:,.0f}", f"{rate / base:.1f}", f"{elbo:.2f}") for name, (rate, elbo) in found.items()]
    table("Training", rows)


if __name__ == "__main__":
    main()
