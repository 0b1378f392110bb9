"""What the shipped checkpoints put out for fixed inputs; after a training make it anew: python -m tests.reference NAME.

Without names it is made for every checkpoint. Each entry goes with the hash of the weights that made it.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cvae import checkpoints, losses, tasks

FILE = Path(__file__).parent / "reference.safetensors"
ROWS = 2  # pictures for each model
KEPT = 150  # numbers of one picture that are kept, evenly spread: a wrong layer shows in all of them


def spread(*shape: int) -> Tensor:
    """Return numbers evenly spread over (0, 1) in an order that looks random, the same everywhere (Weyl's sequence)."""
    n = torch.arange(1, 1 + torch.Size(shape).numel(), dtype=torch.float64)
    return (n * 0.6180339887498949).frac().float().view(shape)


def pictures(shape: tuple[int, int, int]) -> Tensor:
    """Return ROWS pictures (ROWS, C, H, W) of soft slanted strokes."""
    _, height, width = shape
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    strokes = [torch.exp(-30 * (x - slope * y) ** 2 - 2 * (x**2 + y**2)) for slope in (0.3, -0.6)]
    return torch.stack(strokes)[:, None].expand(-1, shape[0], -1, -1).contiguous()


@torch.inference_mode()
def outputs(name: str) -> dict[str, Tensor]:
    """Return by name what a checkpoint puts out: of every picture KEPT numbers at most."""
    model = checkpoints.load_run(name)
    x = pictures(model.config.image_shape)
    if not hasattr(model, "decode"):
        return {"out": _thinned(model(x))}
    u = torch.special.ndtri(spread(ROWS, model.config.latent_dim))
    c = torch.tensor([3, 8]) % model.config.n_classes if model.config.n_classes else None
    if model.config.family == "inpainting":
        c = _half_hidden(x)
    posterior = model.encode(x, c)
    nll, kl = losses.nll_and_kl(model, x, c, u)
    made = {"pixels": tasks.decode(model, u, c), "logits": model.decode(u, c)}
    made |= {"z": posterior.from_base(u), "u": tasks.encode(model, x, c)}
    return {key: _thinned(value) for key, value in made.items()} | {"nll": nll, "kl": kl}


def _half_hidden(x: Tensor) -> Tensor:
    """Return what an inpainting model is told of x where the lower half is hidden, (N, C + 1, H, W)."""
    visible = torch.zeros_like(x[:, :1])
    visible[:, :, : x.shape[2] // 2] = 1
    return torch.cat([x * visible, visible], dim=1)


def _thinned(value: Tensor) -> Tensor:
    rows = value.flatten(1)
    return rows[:, :: -(-rows.shape[1] // KEPT)].clone()


def read() -> tuple[dict[str, dict[str, Tensor]], dict[str, str]]:
    """Return the stored outputs by checkpoint and the hashes of the weights that made them."""
    stored: dict[str, dict[str, Tensor]] = {}
    if not FILE.is_file():
        return stored, {}
    with safe_open(FILE, "pt") as file:
        for key in file.keys():  # noqa: SIM118 - the open file is no dictionary
            name, output = key.split("/")
            stored.setdefault(name, {})[output] = file.get_tensor(key)
        return stored, json.loads(file.metadata()["weights"])


def main(names: list[str]) -> None:
    """Make the entries of these checkpoints anew, of all without names; drop those of checkpoints that are gone."""
    stored, hashes = read()
    for name in names or checkpoints.list_runs():
        stored[name], hashes[name] = outputs(name), checkpoints.weights_hash(name)
    kept = [name for name in sorted(stored) if name in checkpoints.list_runs()]
    tensors = {f"{name}/{output}": value.contiguous() for name in kept for output, value in stored[name].items()}
    save_file(tensors, FILE, {"weights": json.dumps({name: hashes[name] for name in kept})})


if __name__ == "__main__":
    main(sys.argv[1:])
