"""Write a model as ONNX, checked against torch, or as one HTML file for a browser; a site of all; or to the hub.

python -m cvae.export NAME [--html OUT | --hub USER/NAME], or --site DIR. See python -m cvae.export --help.
"""

from cvae.interrupts import command, guard, loading

if __name__ == "__main__":
    guard("cvae.export")  # before torch is loaded, which takes a second or more

import argparse
import importlib.util
import logging
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cvae.checkpoints import load_run
from cvae.commands import OneLineParser, run
from cvae.conditions import Condition
from cvae.config import ModelConfig
from cvae.families import LABEL, PIXELS
from cvae.models import AnyModel, LatentModel

ABOUT = "Write a model as ONNX, checked against torch, or as one HTML file; "
ABOUT += "all models as a site; or one to the Hugging Face hub."
NEEDS = ("onnx", "onnxscript", "onnxruntime")
BATCHES = (1, 2, 7)  # on which torch and onnxruntime are compared
TOLERANCE = 1e-4  # largest difference allowed; of a value above 1 relative to it


class Part(nn.Module):
    """What of a model becomes one file, or one part of a program."""

    def __init__(self, model: AnyModel) -> None:
        super().__init__()
        self.model = model


class Encoder(Part):
    """x and what the encoder is told -> mu and logvar of the Gaussian, and the base coordinates u of the centre.

    Where a flow bends the posterior, mu and logvar are of the Gaussian before it, and u is of the centre after it. A
    plain autoencoder has no logvar. For a standard normal prior without such a flow u is mu.
    """

    model: LatentModel

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, ...]:
        c = condition(self.model, told, x)
        posterior = self.model.encode(x, c)
        gaussian: Any = getattr(posterior, "base", posterior)  # or a point, which has no logvar
        u = self.model.prior(c).to_base(posterior.mode())
        return (gaussian.mu, gaussian.logvar, u) if self.model.config.kind.has_prior else (gaussian.mu, u)


class Decoder(Part):
    """Base coordinates u and what the decoder is told -> pixel means; an inpainting model also wants the picture x."""

    model: LatentModel

    def forward(self, u: Tensor, told: Tensor | None = None, x: Tensor | None = None) -> Tensor:
        c = condition(self.model, told, u if x is None else x)
        return self.model.pixel_means(self.model.prior(c).from_base(u), c)


class Whole(Part):
    """A model without a code: a denoising autoencoder (spoiled x -> clean one) or a classifier (x -> log p(y | x))."""

    def forward(self, x: Tensor) -> Tensor:
        out = self.model(x)
        return out.sigmoid() if self.model.config.kind.cleans else out.log_softmax(1)


def condition(model: LatentModel, told: Tensor | None, like: Tensor) -> Tensor | Condition | None:
    """Return what a model's methods take as c.

    `told` is labels (N,) int64 or a mask `visible` (N, 1, H, W) of pictures `like`. Rows (N, n_classes) in the place of
    labels come back as they are.
    """
    if told is None:
        return None
    if model.config.kind.given == LABEL:
        return told if told.dim() == 2 else torch.eye(model.config.n_classes)[told]
    seen = told.to(like.dtype)
    return model.condition(torch.cat([like * seen, seen], dim=1), like)


def parts(config: ModelConfig) -> dict[str, tuple[type[Part], tuple[str, ...], tuple[str, ...]]]:
    """Return for each file that a model is written to its module, the names of its inputs and those of its outputs."""
    kind = config.kind
    if not kind.latent:
        return {config.family: (Whole, ("x",), ("clean",) if kind.cleans else ("log_p",))}
    told = {LABEL: ("label",), PIXELS: ("visible",)}.get(kind.given, ())
    gives = ("mu", "logvar", "u") if kind.has_prior else ("mu", "u")
    also = ("x",) if kind.completes else ()
    return {"encoder": (Encoder, ("x", *told), gives), "decoder": (Decoder, ("u", *told, *also), ("pixels",))}


def examples(config: ModelConfig, names: tuple[str, ...], n: int) -> tuple[Tensor, ...]:
    """Return n random rows for each input of these names, always the same."""
    generator = torch.Generator().manual_seed(n)
    _, height, width = config.image_shape
    make = {
        "x": lambda: torch.rand(n, *config.image_shape, generator=generator),
        "u": lambda: torch.randn(n, config.latent_dim, generator=generator),
        "label": lambda: torch.randint(config.n_classes, (n,), generator=generator),
        "visible": lambda: torch.rand(n, 1, height, width, generator=generator) < 0.5,
    }
    return tuple(make[name]() for name in names)


@torch.inference_mode()
def export(model: AnyModel, folder: Path) -> dict[Path, float]:
    """Write the files of `parts` into `folder`; return each with the largest difference from torch over BATCHES.

    The first axis of every input and output is the batch, of any size. ValueError where a package is missing or a file
    differs from torch by more than TOLERANCE; then the file is removed.
    """
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        remedy = "install with: pip install -r requirements-extra.txt"
        raise ValueError(f"writing ONNX needs {', '.join(missing)}; {remedy}")
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, (kind, takes, gives) in parts(model.config).items():
        path = folder / f"{name}.onnx"
        unchecked = path.with_suffix(".tmp.onnx")
        module = kind(model).eval()
        try:
            _write(module, examples(model.config, takes, 3), takes, gives, unchecked)
            written[path] = difference(module, unchecked, takes)
            if not written[path] <= TOLERANCE:
                differs = f"would differ from torch by {written[path]:.1e}, more than {TOLERANCE:g}"
                raise ValueError(f"{path} {differs}; it was not kept.")
            unchecked.replace(path)
        finally:
            unchecked.unlink(missing_ok=True)
    return written


def _write(module: Part, rows: tuple[Tensor, ...], takes: tuple[str, ...], gives: tuple[str, ...], path: Path) -> None:
    batch = {0: torch.export.Dim("batch")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own remarks on its future
        torch.onnx.export(
            module,
            rows,
            path,
            input_names=list(takes),
            output_names=list(gives),
            dynamic_shapes=tuple(batch for _ in rows),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def difference(module: Part, path: Path, takes: tuple[str, ...]) -> float:
    """Return how far the outputs of an ONNX file are from those of its torch module, over BATCHES, at most.

    A value beyond 1 counts relative to its size.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for n in BATCHES:
        rows = examples(module.model.config, takes, n)
        wanted = module(*rows)
        outputs = session.run(None, {name: row.numpy() for name, row in zip(takes, rows, strict=True)})
        for a, b in zip(outputs, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
            largest = max(largest, float(((torch.from_numpy(a) - b).abs() / b.abs().clamp(min=1)).max()))
    return largest


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    p = _parser()
    args = p.parse_args(argv)
    if bool(args.name) == bool(args.site):
        p.error("name one model, or --site DIR for all of them")
    if args.dry_run and not args.hub:
        p.error("--dry-run goes with --hub USER/NAME")
    write = _write_site if args.site else _put if args.hub else _write_html if args.html else _write_onnx
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    return run("cvae.export", lambda: write(args))


def _parser() -> OneLineParser:
    p = OneLineParser(prog="python -m cvae.export", description=ABOUT)
    named = "a name under checkpoints/, a path, or user/repo of the Hugging Face hub"
    p.add_argument("name", nargs="?", metavar="NAME", help=named)
    p.add_argument("--out", type=Path, help="folder to write into (default: onnx/NAME)")
    instead = p.add_mutually_exclusive_group()
    page = "write one HTML file that decodes in the browser, and no ONNX"
    instead.add_argument("--html", type=Path, metavar="FILE", help=page)
    site = "write a static site of all models, one HTML file for each"
    instead.add_argument("--site", type=Path, metavar="DIR", help=site)
    hub = "upload the model and its card to the Hugging Face hub, and no ONNX"
    instead.add_argument("--hub", metavar="USER/NAME", help=hub)
    dry = "with --hub: write what would be uploaded into a folder (default: hub/NAME), and upload nothing"
    p.add_argument("--dry-run", action="store_true", help=dry)
    p.add_argument("--labels", type=_numbers, metavar="0,1,2", help="labels that the HTML file offers (default: all)")
    p.add_argument("--title", default="", help="heading of the HTML file (default: the model's name)")
    start = "a link of Explore or Generate, at whose point the HTML file opens"
    p.add_argument("--start", default="", metavar="LINK", help=start)
    drawn = "let the HTML file hold the encoder too, to draw and see it reconstructed (default: where it stays light)"
    p.add_argument("--sheet", action=argparse.BooleanOptionalAction, help=drawn)
    p.add_argument("--home", default="", metavar="LINK", help="address that the HTML file links back to")
    return p


def _numbers(text: str) -> list[int]:
    """Return whole numbers with commas between them; argparse.ArgumentTypeError for anything else."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        wanted = "whole numbers with commas between them, such as 0,1,2"
        raise argparse.ArgumentTypeError(f"labels must be {wanted}; got {text!r}") from None


def _write_html(args: argparse.Namespace) -> None:
    with loading("cvae.export"):
        from cvae.browser.page import page  # late: it imports this module

    args.html.write_text(page(args.name, args.title, args.labels, args.start, args.sheet, args.home), encoding="utf-8")
    print(f"{args.html}: {args.html.stat().st_size / 1e6:.2f} MB, opens in any browser")


def _write_site(args: argparse.Namespace) -> None:
    with loading("cvae.export"):
        from cvae.browser import site  # late: it imports this module

    index, *files = site.write(args.site)
    size = sum(path.stat().st_size for path in (index, *files)) / 1e6
    print(f"{index}: {len(files)} models, {size:.1f} MB in all; docs/hosting.md says where to put them")


def _put(args: argparse.Namespace) -> None:
    with loading("cvae.export"):
        from cvae import hub  # late: it imports this module

    if not args.dry_run:
        print(f"{hub.put(args.name, args.hub)}: load it with load_run({args.hub!r})")
        return
    folder = args.out or Path("hub") / Path(args.name).name
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds something already; name another folder with --out, or remove it.")
    hub.write(args.name, folder, args.hub)
    for path in sorted(folder.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    print(f"Nothing was uploaded; without --dry-run these files go to https://huggingface.co/{args.hub}")


def _write_onnx(args: argparse.Namespace) -> None:
    with loading("cvae.export"), suppress(ImportError):  # `export` says what is missing
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    model = load_run(args.name)
    for path, worst in export(model, args.out or Path("onnx") / model.preset.name).items():
        _, takes, gives = parts(model.config)[path.stem]
        print(f"{path}: {', '.join(takes)} -> {', '.join(gives)}; differs from torch by {worst:.1e} at most")


if __name__ == "__main__":
    command("cvae.export", main)
