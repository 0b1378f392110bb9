"""Training `vae-dense` beside the VAE that tutorials start from: images a second, and -elbo on the test digits.

The other one is written here from its description (the basic VAE of pytorch/examples): 784-400-20-400-784, Adam with a
rate of 1e-3, batches of 128 from a DataLoader that turns one PIL image after the other into a tensor. Run it with
nothing else on the machine: python benchmarks/training.py --data-dir DIR
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
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

BATCH = 128


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


def tutorial(root: Path, epochs: int, seed: int) -> tuple[float, float]:
    """Return images a second in the median epoch and -elbo of the test set in nats."""
    torch.manual_seed(seed)
    vision = data.torchvision()
    digits = vision.datasets.MNIST(str(root), train=True, transform=vision.transforms.ToTensor(), download=False)
    loader = DataLoader(digits, batch_size=BATCH, shuffle=True)
    model = TutorialVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds = []
    for _ in range(epochs):
        begin = time.perf_counter()
        for x, _ in loader:
            optimizer.zero_grad()
            sum(model.terms(x)).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - begin)
    rate = len(digits) / statistics.median(seconds)
    test = data.mnist(root, False).pixels()
    with torch.inference_mode():
        return rate, float(sum(model.terms(test))) / len(test)


def ours(root: Path, epochs: int, seed: int, precision: str = "32-true", compiled: bool = False) -> tuple[float, float]:
    """Return the same of the preset, trained as train.py does with these options; its epochs alone are timed too."""
    preset = PRESETS["vae-dense"]
    stages = (replace(preset.train.stages[0], epochs=epochs),)
    preset = replace(preset, train=replace(preset.train, stages=stages, batch_size=BATCH, seed=seed))
    images, held_out = data.training_split(preset.data, preset.model.image_shape, root)
    with tempfile.TemporaryDirectory() as folder:
        fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
        history = training.fit(preset, images, held_out, Path(folder), fabric, compiled=compiled)
        model = checkpoints.load_run(folder)
    rate = len(images) / statistics.median(row["seconds"] for row in history)
    nll, kl = metrics.nll_and_kl(model, data.mnist(root, False).pixels(), None, torch.Generator().manual_seed(seed))
    return rate, float((nll + kl).mean())


RUNS = {
    "the tutorial's VAE": tutorial,
    "vae-dense": ours,
    "vae-dense, --compile": partial(ours, compiled=True),
    "vae-dense, --precision bf16-mixed": partial(ours, precision="bf16-mixed"),
    "vae-dense, --precision bf16-mixed --compile": partial(ours, precision="bf16-mixed", compiled=True),
}


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data-dir", type=Path, default=os.environ.get("CVAE_DATA_DIR", "data"))
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--rounds", type=int, default=3, help="each trains all of them in turn, with a seed of its own")
    args = p.parse_args()
    rounds = [
        {name: run(Path(args.data_dir), args.epochs, seed) for name, run in RUNS.items()} for seed in range(args.rounds)
    ]
    measured = f"test -elbo after {args.epochs} epochs"
    rows = [("652,824 parameters, batches of 128", "images a second", "ratio", measured)]
    for name in RUNS:
        rate = statistics.median(found[name][0] for found in rounds)
        ratio = statistics.median(found[name][0] / next(iter(found.values()))[0] for found in rounds)
        elbo = statistics.mean(found[name][1] for found in rounds)
        rows.append((name, f"{rate:,.0f}", f"{ratio:.1f}", f"{elbo:.2f}"))
    table(f"Training, median of {args.rounds} rounds and mean -elbo", rows)


if __name__ == "__main__":
    main()
