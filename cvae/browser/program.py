"""A model as a program: its steps as JSON, made from what torch.export sees it compute.

A program depends on a model's configuration alone: it names the tensors of model.safetensors, and what follows from
those alone (a folded BatchNorm, a transposed kernel) is among the steps of `once`. runtime.js says what each step does.
See python -m cvae.browser.program --help.
"""

from cvae.interrupts import command, guard

if __name__ == "__main__":
    guard("cvae.browser.program")  # before torch is loaded

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from cvae import checkpoints, export
from cvae.browser.lowering import Lowering
from cvae.browser.store import FORMAT, PROGRAM, digest, parts, stored
from cvae.commands import OneLineParser, run
from cvae.config import ModelConfig
from cvae.models import AnyModel, build_model

__all__ = ["FORMAT", "PROGRAM", "digest", "examples", "parts", "program", "stored", "text", "write"]
BATCH = torch.export.Dim("batch")
# Calls that the runtime has as one step, or that say more as they are than taken apart.
KEPT = ("linear", "silu", "logit", "pixel_shuffle", "pixel_unshuffle")


def program(model: AnyModel) -> dict:
    """Return the program of a model in eval mode, ready for JSON; ValueError names a call that has no step.

    For each of `parts` it says: the inputs with their shapes, each for one example; the tensors that it reads; the
    steps done once and those done for every call; the outputs. In the place of a label the input c is a row of weights
    over labels.
    """
    config = model.config
    return {
        "format": FORMAT,
        "config": digest(config),
        "image": list(config.image_shape),
        "latent": config.latent_dim,
        "classes": config.n_classes,
        "parts": {name: _part(model, *part) for name, part in parts(config).items()},
    }


def examples(config: ModelConfig, takes: tuple[str, ...], n: int) -> tuple[Tensor, ...]:
    """Return n random rows of float32 for each input of these names, always the same."""
    told = [{"c": "label", "noise": "u"}.get(take, take) for take in takes]
    rows = export.examples(config, tuple(told), n)
    named = zip(takes, rows, strict=True)
    return tuple(torch.eye(config.n_classes)[row] if take == "c" else row.float() for take, row in named)


@torch.no_grad()
def _part(model: AnyModel, kind: type[export.Part], takes: tuple[str, ...], gives: tuple[str, ...]) -> dict:
    module, rows = _without_caches(kind(_copy(model)).eval()), examples(model.config, takes, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own remarks on its future
        exported = torch.export.export(module, rows, dynamic_shapes=tuple({0: BATCH} for _ in rows))
        table = torch.export.default_decompositions()
        for name in KEPT:
            table.pop(getattr(torch.ops.aten, name).default, None)
        exported = exported.run_decompositions(table)
    return Lowering(exported, takes, gives).part()


def _copy(model: AnyModel) -> AnyModel:
    copied = build_model(model.config)
    copied.load_state_dict(model.state_dict())
    return copied.requires_grad_(False)


def _without_caches(module: nn.Module) -> nn.Module:
    """Take away the tensors that modules keep beside parameters and buffers to save time; a program makes them anew."""
    for part in module.modules():
        for name in [name for name, value in vars(part).items() if isinstance(value, Tensor)]:
            setattr(part, name, None)
    return module


def text(model: AnyModel) -> str:
    """Return the program of a model as the text of program.json."""
    return json.dumps(program(model), separators=(",", ":")) + "\n"


def write(name_or_path: str | Path) -> Path:
    """Write the program of a run beside its weights and return its path; ValueError names a call that has no step."""
    path = checkpoints.run_dir(name_or_path) / PROGRAM
    checkpoints.write_text(path, text(checkpoints.load_run(name_or_path)))
    return path


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    p = OneLineParser(prog="python -m cvae.browser.program", description=f"Write {PROGRAM} beside a model's weights.")
    p.add_argument("names", nargs="+", metavar="NAME", help="a name under checkpoints/, or a path")
    args = p.parse_args(argv)
    return run("cvae.browser.program", lambda: _write(args.names))


def _write(names: list[str]) -> None:
    for name in names:
        path = write(name)
        print(f"{path}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    command("cvae.browser.program", main)
