"""Measure checkpoints on the test set: python evaluate.py NAME... --data-dir DIR; rewrites metrics.json and docs/results.md.

Of which family what is measured says python evaluate.py --help.
"""

from cvae.interrupts import command, guard

if __name__ == "__main__":
    guard("evaluate.py")  # before torch is loaded

import argparse
import copy
import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cvae import checkpoints, data, faces, latent, maps, metrics, preprocess, report, tasks
from cvae.claim import claim
from cvae.commands import OneLineParser, run, whole
from cvae.data import corruptions
from cvae.data import lfw_files as lfw
from cvae.faces import figures as face_figures
from cvae.faces.directions import attribute_direction
from cvae.maps.embeddings import TSNE_STEPS

RESULTS = Path(__file__).parent / "docs" / "results.md"
BEGIN, END = "<!-- evaluate.py writes from here -->", "<!-- to here -->"
JUDGE, SMILE_JUDGE = "judge", "smile-judge"
BATCH = 50
DIGITS = tuple("0123456789"), (1, 28, 28)  # classes and shape of the pictures that scikit-learn's pen digits are made to fit
QUANTILES = 201  # of log p(x) over the test digits, for the Draw page
NOISE = (("gaussian", 0.3), ("gaussian", 0.5), ("salt-and-pepper", 0.25))
# Pyro's tutorial: these quadrants are visible, the others are the target
TASKS = {"1": ("bottom left",), "2": ("bottom left", "top left"), "3": ("bottom left", "top left", "top right")}
PARTICLES, IW_QUADRANTS = 10, 100
IW_SAMPLES = 1000
PROBED = 2000  # test pictures whose KL is told by dimension
JUDGED = 100  # samples of each class that are judged at a time, ten times over
DIVERSE = 2000  # samples, and test pictures, whose mean distance is compared
POINTS = 1000  # encoded test images to start from, where no pad shows all of them
PIXELS = {  # likelihood protocol -> what its table says; figures of two protocols never compare
    "binarised": "binarised pixels (one fresh Bernoulli draw per pixel)",
    "grey": "grey pixels",
    "gaussian": "grey pixels as a Gaussian of standard deviation 0.1, a density (so values below zero are possible)",
}
MEASURED = """what is measured, on the test part of the data that a model learned from:
  vae, cvae      nll, kl and their sum in nats per picture; an importance-weighted log p (--iw-samples, --iw-images);
                 reconstruction, diversity; of a cvae how it classifies (--classify-samples); points for Explore
  inpainting     the error of completed pixels (--hole-samples); of any hole, log p of quadrants (--iw-images)
  autoencoder    the error of reconstructions, the diversity of samples; points for Explore
  denoising      the PSNR before and after cleaning
  classifier     the share of pictures read right
  of faces       reconstruction beside principal components, who is recognised, what the smile changes; codes for Faces
Options of another family are ignored, with --map all but --data-dir and --seed. Figures of shipped models go into docs/results.md."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = OneLineParser(
        prog="evaluate.py",
        description="Test-set figures of checkpoints, into metrics.json and docs/results.md.",
        epilog=MEASURED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    number = {"type": whole(1, 1_000_000), "metavar": "INT"}
    p.add_argument("names", nargs="*", metavar="NAME", help="names under checkpoints/ (none: only rewrite docs/results.md)")
    p.add_argument("--all", action="store_true", help="every run under checkpoints/")
    p.add_argument("--data-dir", type=Path, help="folder of the data sets (default: CVAE_DATA_DIR, else data/)")
    p.add_argument("--iw-samples", default=IW_SAMPLES, help=f"samples of -log p for each picture (default {IW_SAMPLES})", **number)
    p.add_argument("--iw-images", help="on how many first test images, for a quick look (default: all)", **number)
    p.add_argument("--classify-samples", default=8, help="importance samples for each label (default 8)", **number)
    p.add_argument("--hole-samples", default=32, help="completions whose mean is measured (default 32)", **number)
    p.add_argument("--seed", type=whole(0, 2**31), metavar="INT", default=0, help="of all that is drawn (default 0)")
    devices = "where likelihoods are computed (auto: a GPU if there is one)"
    p.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help=devices)
    p.add_argument(
        "--keep", action="store_true", help="keep what metrics.json holds for the same weights, measure what is missing"
    )
    p.add_argument("--map", action="store_true", help="measure nothing; lay out the test images for the Map page, in map.npz")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = parser().parse_args(argv)
    return run("evaluate.py", lambda: _measure(args))


def _measure(args: argparse.Namespace) -> None:
    """Do what the command line asks, each model as long as no other process writes into its folder."""
    args.device = _device(args.device)
    if not (args.names or checkpoints.list_runs()):  # or the tables of docs/results.md would be emptied
        raise FileNotFoundError(f"there is no checkpoint in {checkpoints.ROOT}; train one with: python train.py vae-dense-2d")
    names = checkpoints.list_runs() if args.all else args.names
    for name in names:
        with claim(checkpoints.run_dir(name).resolve(), "measuring"):
            (write_map if args.map else evaluate)(name, args)
    if args.map or (args.names and not any(map(_is_public, args.names))):
        return
    write_table(RESULTS, {name: read_metrics(name) for name in checkpoints.list_runs() if _is_public(name)})


def _device(name: str) -> str:
    """Return where to compute, cpu or cuda; ValueError where there is no such device."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda needs a GPU that this installation of torch can use; use auto or cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def _bar(rows, what: str):
    """Return an iteration over rows that shows its progress and the time left, if it takes over two seconds."""
    return tqdm(rows, desc=what, unit="batch", delay=2)


def _is_public(name: str) -> bool:
    """Tell whether a model learned from the digits or the faces that docs/results.md speaks of."""
    try:
        return checkpoints.load_preset(name).data.dataset.split(":")[0] in ("mnist", data.FACES)
    except (ValueError, FileNotFoundError):
        return False


def evaluate(name: str, args: argparse.Namespace) -> None:
    """Measure one checkpoint; writes metrics.json and, for models with latents, encoded test images in map.npz."""
    model = checkpoints.load_run(name)
    preset, kind = model.preset, model.config.kind
    images = data.load(preset.data.dataset, False, args.data_dir, preset.model.image_shape, download=True)
    generator = torch.Generator().manual_seed(args.seed)
    of_faces = kind.decodes and preset.data.dataset == data.FACES
    measure = _faces if of_faces else FIGURES[kind.figures]
    found = {"parameters": sum(p.numel() for p in model.parameters()), **measure(name, model, images, args, generator)}
    found |= _costs(name, model)
    if kind.decodes and not of_faces:
        x, labels = images.pixels()[:DIVERSE], images.labels[:DIVERSE]
        if len(x) > 1 and metrics.spread_of(x) > 0:  # else there is nothing to compare with
            found["diversity"] = metrics.diversity(model, x, labels, generator)
    found |= {"weights": checkpoints.weights_hash(name), "images": len(images), "seed": args.seed}
    checkpoints.write_text(checkpoints.run_dir(name) / checkpoints.METRICS, json.dumps(found, indent=2) + "\n")
    print("\n".join(report.lines(name, preset, found)))


def _accuracy(name: str, model, images: data.ImageSet, args: argparse.Namespace, generator: torch.Generator) -> dict:
    """Return how much a classifier reads right, and of what."""
    right = f"faces right ({' or '.join(model.preset.classes)})"
    of = right if model.preset.data.dataset.startswith(data.FACES) else "digits right"
    return {"accuracy": metrics.accuracy(model, images.pixels(), images.labels), "of": of}


def _likelihood(name: str, model, images: data.ImageSet, args: argparse.Namespace, generator: torch.Generator) -> dict:
    """Return the figures of a VAE or CVAE, and write the encoded test images."""
    found = {"decoder_mflop": metrics.decoder_mflop(model), **_kept(name, args), "protocol": _protocol(model.preset)}
    there = copy.deepcopy(model).to(args.device)
    moved = replace(images, images=images.images.to(args.device), labels=images.labels.to(args.device))
    if "nll" not in found:
        found |= _generative(there, moved, args)
    if not _has_likelihoods(found, model, images, args):
        found |= _likelihoods(there, moved, args)
    if model.config.n_classes and "classification" not in found:
        found["classification"] = _classification(there, moved, args.classify_samples, generator)
    write_points(name, model, images)
    return found


def _protocol(preset) -> str:
    """Return which likelihood a model was trained with, a key of PIXELS."""
    if preset.model.likelihood == "gaussian":
        return "gaussian"
    return "binarised" if preset.data.binarize else "grey"


def _costs(name: str, model) -> dict:
    """Return what a model costs: bytes of its weights, milliseconds to decode one picture, seconds of training."""
    folder = checkpoints.run_dir(name)
    found = {"bytes": (folder / checkpoints.WEIGHTS).stat().st_size}
    if (history := folder / checkpoints.HISTORY).is_file():
        try:
            with history.open(encoding="utf-8") as rows:
                found["training_seconds"] = round(sum(float(row["seconds"]) for row in csv.DictReader(rows)))
        except (KeyError, TypeError, ValueError, OverflowError, csv.Error) as error:
            raise ValueError(f"{history} must have a column of seconds; remove it, or train the model anew.") from error
    if model.config.kind.decodes:
        found["decode_ms"] = round(metrics.decode_ms(model), 2)
    return found


def write_map(name: str, args: argparse.Namespace) -> None:
    """Write the map.npz of one model; ValueError unless it is a generative one of grey pictures, and of enough of them."""
    model = checkpoints.load_run(name)
    preset = model.preset
    if reason := maps.obstacle(preset):
        raise ValueError(reason)
    images = data.load(preset.data.dataset, False, args.data_dir, preset.model.image_shape, download=True)
    if reason := maps.obstacle(preset, len(images), len(images.classes)):
        raise ValueError(reason)
    with tqdm(total=sum(TSNE_STEPS), desc=f"t-SNE of {name}", unit="step") as bar:
        found = maps.make_map(model, images, args.seed, lambda done: bar.update(done - bar.n))
    maps.save_map(checkpoints.run_dir(name), found)
    kept = {space: 100 * figures["knn_accuracy"] for space, figures in found.figures.items()}
    others = ", ".join(f"{maps.EMBEDDINGS[space]} {share:.1f} %" for space, share in kept.items() if space in maps.EMBEDDINGS)
    print(f"{name}: a map of {len(found):,} test pictures. Most of the five nearest neighbours are of a picture's own class")
    print(f"  for {kept['u']:.1f} % of the pictures in the latent space, and on the map: {others}")
    print(report.where(name, preset, "Map"))


def write_points(name: str, model, images: data.ImageSet) -> None:
    """Write a map.npz of encoded images alone, unless a whole map of the same weights lies there."""
    folder = checkpoints.run_dir(name)
    try:
        maps.load_map(folder)
    except (ValueError, FileNotFoundError):
        images = images if model.config.latent_dim == 2 else images[:POINTS]
        u = latent.encode_dataset(model, images).numpy().astype(np.float16)
        content = io.BytesIO()
        np.savez_compressed(content, u=u, labels=images.labels.numpy().astype(np.uint16))
        checkpoints.write_bytes(folder / checkpoints.MAP, content.getvalue())


def _kept(name: str, args: argparse.Namespace) -> dict:
    """Return what was measured of the very same weights before, if the command line asks to keep it."""
    found = read_metrics(name)
    return found if args.keep and found.get("weights") == checkpoints.weights_hash(name) else {}


def _generative(model, images: data.ImageSet, args: argparse.Namespace) -> dict:
    generator = torch.Generator().manual_seed(args.seed)
    grey, x = images.pixels(), _seen(model, images, args)
    found = _terms(model, x, images.labels, generator)
    rows = _bar(list(zip(grey.split(metrics.BATCH), images.labels.split(metrics.BATCH))), "reconstructions")
    errors = [metrics.mse(part, tasks.reconstruct(model, part, labels)) for part, labels in rows]
    found["mse"] = float(torch.cat(errors).mean())
    judge = checkpoints.load_run(JUDGE) if model.config.n_classes and JUDGE in checkpoints.list_runs() else None
    if judge and _reads(judge.preset) == _reads(model.preset):
        judge = judge.to(args.device)
        parts = [metrics.judge_accuracy(judge, model, JUDGED, generator) for _ in _bar(range(10), "judged samples")]
        found["judge_accuracy"] = sum(parts) / len(parts)
    return found


def _seen(model, images: data.ImageSet, args: argparse.Namespace) -> torch.Tensor:
    """Return the test pictures as the model's likelihood takes them: grey, or drawn once as 0 or 1 by the seed."""
    grey = images.pixels()
    if not model.preset.data.binarize:
        return grey
    return data.binarize(grey.cpu(), torch.Generator().manual_seed(args.seed)).to(grey.device)


def _has_likelihoods(found: dict, model, images: data.ImageSet, args: argparse.Namespace) -> bool:
    """Tell whether the likelihoods that the command line asks for were kept."""
    wanted = args.iw_samples, min(args.iw_images or len(images), len(images))
    whole = "log_marginal" in found or not model.config.n_classes
    return (found.get("iw_samples"), found.get("iw_images")) == wanted and whole


def _likelihoods(model, images: data.ImageSet, args: argparse.Namespace) -> dict:
    """Return the importance-weighted bound of log p(x), or those of log p(x | y) and log p(x), in nats per picture."""
    generator = torch.Generator().manual_seed(args.seed + 1)
    x, n, k = _seen(model, images, args), args.iw_images or len(images), args.iw_samples
    given, whole = [], []
    size = metrics.at_once(x, k)
    for part, labels in _bar(list(zip(x[:n].split(size), images.labels[:n].split(size))), f"log p with {k} samples"):
        given.append(metrics.log_likelihood(model, part, labels, k, generator))
        if model.config.n_classes:
            whole.append(metrics.marginal_log_likelihood(model, part, labels, given[-1], k, generator))
    result = {"log_likelihood": float(torch.cat(given).mean()), "iw_samples": k, "iw_images": min(n, len(images))}
    return result | ({"log_marginal": float(torch.cat(whole).mean())} if whole else {})


def _terms(model, x: torch.Tensor, labels: torch.Tensor | None, generator: torch.Generator) -> dict:
    """Return the terms of the bound on pictures x (N, C, H, W) in nats, and what each latent dimension carries."""
    told = [None] * len(x.split(metrics.BATCH)) if labels is None else labels.split(metrics.BATCH)
    rows = _bar(list(zip(x.split(metrics.BATCH), told)), "nll and kl")
    nll, kl = (torch.cat(parts) for parts in zip(*(metrics.nll_and_kl(model, part, c, generator) for part, c in rows)))
    per_dim = latent.kl_per_dim(model, x[:PROBED], None if labels is None else labels[:PROBED], generator)
    return {
        "nll": float(nll.mean()),
        "kl": float(kl.mean()),
        "elbo": -float((nll + kl).mean()),
        "active_units": latent.active_units(per_dim),
        "kl_per_dim": [round(v, 4) for v in per_dim.tolist()],
    }


def _reads(preset) -> tuple:
    """Return what two models must have in common for one to judge the other: classes and shape of their pictures."""
    return tuple(preset.classes), tuple(preset.model.image_shape)


def _faces(name: str, model, images: data.ImageSet, args: argparse.Namespace, generator: torch.Generator) -> dict:
    """Return the figures of a model of faces, and write faces.npz, learned from the training part of the people alone."""
    side = model.config.image_shape[1]
    everyone = data.lfw(args.data_dir, "all", side, download=True)
    print(everyone.note)
    parts = {part: np.array([lfw.part_of(person) == part for person in everyone.people]) for part in ("train", "test")}
    x = {part: torch.from_numpy(everyone.images[rows]).float() / 255 for part, rows in parts.items()}
    batches = tqdm(np.array_split(everyone.images, max(1, len(everyone) // BATCH)), desc="codes of all faces", unit="batch")
    u = torch.cat([face_figures.code(model, torch.tensor(rows).float() / 255) for rows in batches])
    present = torch.tensor(np.array([everyone.labels(c) for c in everyone.columns])).view(-1, len(everyone)).T.float()
    learn, rows = torch.from_numpy(parts["train"]), torch.from_numpy(parts["test"]).nonzero()[:, 0]
    measured = faces.measure(model, u, everyone.people, everyone.numbers, everyone.columns, present, learn)
    faces.save(checkpoints.run_dir(name), measured)
    space = faces.load(checkpoints.run_dir(name))  # as the page will have it
    found = {"code": model.config.latent_dim, **face_figures.reconstruction(model, x["train"], x["test"])}
    if model.config.kind.has_prior:
        found |= _terms(model, x["test"], None, torch.Generator().manual_seed(args.seed))
    found["similar"] = face_figures.recognition(model, space, rows, x["train"], x["test"])
    if "Smiling" in space.columns and SMILE_JUDGE in checkpoints.list_runs():
        judge, k = checkpoints.load_run(SMILE_JUDGE), space.columns.index("Smiling")
        tested = model, judge, space.u[rows], space.present[rows, k]
        ways = dict(zip(faces.WAYS, space.directions[k]))
        found["smile"] = {kind: face_figures.edits(*tested, way) for kind, way in ways.items()}
        in_code = attribute_direction(space.u[learn], space.present[learn, k])
        found["smile_in_code"] = face_figures.edits(*tested, in_code)
        plain = space.u[rows][space.present[rows, k] == 0]
        found["dragged"] = {kind: face_figures.dragged(model, space, plain, k, way) for kind, way in ways.items()}
    return found | {"test_pictures": len(rows)}


def _code(name: str, model, images: data.ImageSet, args: argparse.Namespace, generator: torch.Generator) -> dict:
    """Return what there is to say of a plain autoencoder, which has no likelihood: nll (its objective) and squared error."""
    write_points(name, model, images)
    x = images.pixels()
    nll, _ = metrics.nll_and_kl(model, x)
    error = metrics.mse(x, tasks.reconstruct(model, x)).mean()
    return {"code": model.config.latent_dim, "nll": float(nll.mean()), "mse": float(error)}


def _denoising(name: str, model, images: data.ImageSet, args: argparse.Namespace, generator: torch.Generator) -> dict:
    """Return PSNR in dB, of the mean squared error over all pixels of all images, before and after cleaning."""
    found, x = {}, images.pixels()
    for kind, strength in NOISE:
        noisy = corruptions.corrupt(x, kind, strength, generator)
        rows = _bar(noisy.split(metrics.BATCH), f"cleaned of {kind} {strength}")
        parts = [tasks.denoise(model, part) for part in rows]
        errors = [metrics.mse(x, y).mean() for y in (noisy, torch.cat(parts))]
        found[f"{kind} {strength}"] = {k: float(metrics.psnr(e)) for k, e in zip(("before", "after"), errors)}
    return {"psnr": found}


def _inpainting(name: str, model, images: data.ImageSet, args: argparse.Namespace, generator: torch.Generator) -> dict:
    """Return the error of mean completions, and for Pyro's quadrant tasks -elbo and -log p of the hidden pixels in nats."""
    model, x = copy.deepcopy(model).to(args.device), images.pixels().to(args.device)
    size = tuple(x.shape[2:])
    holes = {name: hole.to(x.device) for name, hole in corruptions.preset_holes(size).items()}
    n = args.hole_samples
    rows, columns = (~holes["Centre"][0]).any(1).sum(), (~holes["Centre"][0]).any(0).sum()
    trained = {f"centre {rows}x{columns}": "Centre"} | ({"bottom half": "Bottom half"} if model.preset.data.hole == "any" else {})
    found = {
        "hole_samples": n,
        "hole_mse": {name: _hole_mse(model, x, holes[h], n, generator, name) for name, h in trained.items()},
    }
    if model.preset.data.hole != "any":
        return found
    found["quadrants"] = {
        task: _quadrants(model, x, corruptions.quadrants_visible(v, size), args, generator) for task, v in TASKS.items()
    }
    return found


def _hole_mse(model, x: torch.Tensor, hole: torch.Tensor, n: int, generator: torch.Generator, name: str) -> float:
    parts = _bar(x.split(metrics.BATCH), f"completions, {name}")
    errors = [metrics.hole_mse(model, part, hole, n, generator) * len(part) for part in parts]
    return sum(errors) / len(x)


def _quadrants(model, x: torch.Tensor, visible: torch.Tensor, args: argparse.Namespace, generator: torch.Generator) -> dict:
    mask = visible.to(x).expand(len(x), 1, -1, -1)
    c = torch.cat([x * mask, mask], dim=1)
    terms = [metrics.nll_and_kl(model, x, c, generator) for _ in _bar(range(PARTICLES), "-elbo of quadrants")]
    found = {"elbo": -float(torch.stack([nll + kl for nll, kl in terms]).mean()), "particles": PARTICLES}
    n, size = min(args.iw_images or len(x), len(x)), metrics.at_once(x, IW_QUADRANTS)
    for name, from_prior in (("log_p_posterior", False), ("log_p_prior", True)):
        rows = _bar(list(zip(x[:n].split(size), c[:n].split(size))), f"log p of quadrants with {IW_QUADRANTS} samples")
        log_p = [metrics.log_likelihood(model, part, told, IW_QUADRANTS, generator, from_prior) for part, told in rows]
        found[name] = float(torch.cat(log_p).mean())
    return found | {"iw_samples": IW_QUADRANTS, "iw_images": n}


def _classification(model, images: data.ImageSet, n_importance: int, generator: torch.Generator) -> dict:
    """Return the accuracy as a generative classifier, for a model of digits on scikit-learn's too; and the spread of log p(x)."""
    scores = _scores(model, images.pixels(), n_importance, generator)
    log_p = scores.logsumexp(1) - np.log(scores.shape[1])
    found = {
        "n_importance": n_importance,
        "accuracy": float((scores.argmax(1) == images.labels.cpu()).float().mean()),
        "log_likelihood_quantiles": [round(v, 2) for v in log_p.quantile(torch.linspace(0, 1, QUANTILES)).tolist()],
    }
    if _reads(model.preset) == DIGITS:
        pens, pen_labels = pen_digits()
        read = _scores(model, pens, n_importance, generator).argmax(1)
        found |= {"pen_digits_accuracy": float((read == pen_labels).float().mean()), "pen_digits": len(pens)}
    return found


def _scores(model, x: torch.Tensor, n_importance: int, generator: torch.Generator) -> torch.Tensor:
    there = next(model.parameters()).device
    rows = (part.to(there) for part in _bar(x.split(BATCH), "log p(x | y) of all labels"))
    return torch.cat([tasks.label_log_likelihoods(model, part, n_importance, generator).cpu() for part in rows])


def pen_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Return scikit-learn's 1,797 pen digits as (N, 1, 28, 28) with labels: 8x8, enlarged to 200x200 as if uploaded."""
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    large = [Image.fromarray((d * 255 / 16).astype(np.uint8)).resize((200, 200), Image.Resampling.BICUBIC) for d in found.images]
    return torch.cat([preprocess.to_digit(picture) for picture in large]), torch.from_numpy(found.target)


FIGURES = {  # by Family.figures
    "likelihood": _likelihood,
    "code": _code,
    "completions": _inpainting,
    "cleaning": _denoising,
    "accuracy": _accuracy,
}


def read_metrics(name: str) -> dict:
    """Return the metrics.json of a run, empty if it was never evaluated."""
    path = checkpoints.run_dir(name) / checkpoints.METRICS
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged; remove it and measure the model again.") from error


def write_table(path: Path, found: dict[str, dict]) -> None:
    """Replace what stands between the two markers of docs/results.md; ValueError if markers or figures are missing."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} must hold the lines {BEGIN!r} and {END!r} around the table.")
    for name, figures in found.items():  # each alone, to name the one that is at fault
        try:
            tables({name: figures})
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{checkpoints.METRICS} of {name} lacks figures; measure it again with: python evaluate.py {name}") from error
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    checkpoints.write_text(path, before + BEGIN + "\n" + tables(found) + END + after)


def tables(found: dict[str, dict]) -> str:
    """Return one Markdown table for each pixel protocol, because their likelihoods do not compare, then what else was measured."""
    parts = []
    for protocol, title in PIXELS.items():
        rows = {name: m for name, m in found.items() if m.get("protocol") == protocol}
        if rows:
            estimate = f"-log p estimated with {IW_SAMPLES:,} importance samples of each"
            parts.append(f"Test set, {title}, nats per image, {estimate}:\n\n" + _table(rows))
    codes = {name: m for name, m in found.items() if "code" in m and "pca_mse" not in m}
    if codes:
        parts.append("Plain autoencoders, test set:\n\n" + _code_table(codes))
    for name, m in found.items():
        if "accuracy" in m:
            what = m.get("of", "digits right")
            parts.append(f"`{name}` reads {100 * m['accuracy']:.2f} % of the {m['images']:,} test {what}.\n")
    parts += _face_lines({name: m for name, m in found.items() if "pca_mse" in m})
    parts += [_denoising_lines(name, m) for name, m in found.items() if "psnr" in m]
    parts += [_inpainting_lines(name, m) for name, m in found.items() if "hole_mse" in m]
    parts += [_classification_line(name, m["classification"]) for name, m in found.items() if "classification" in m]
    if costs := {name: m for name, m in found.items() if "parameters" in m}:
        parts.append("What they cost:\n\n" + _cost_table(costs))
    return "\n".join(parts)


def _face_lines(found: dict[str, dict]) -> list[str]:
    """Return the tables on faces, none without a model of faces."""
    if not found:
        return []
    n = next(iter(found.values()))["test_pictures"]
    lines = [
        f"Faces, 64x64, {n:,} test pictures of people who are not in the training set, beside as many principal components:\n",
        "| model | code | MSE (encoder alone) | PCA's | ratio | SSIM | PCA's | nearest other picture is the same person | PCA's |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, m in found.items():
        same = m["similar"]
        cells = [f"`{name}`", f"{m['code']}", f"{m['mse']:.5f} ({m['encoder_mse']:.5f})", f"{m['pca_mse']:.5f}"]
        cells += [f"{m['mse'] / m['pca_mse']:.2f}", f"{m['ssim']:.3f}", f"{m['pca_ssim']:.3f}"]
        cells += [f"{100 * same['nearest_is_same_person']:.1f} % (plain {100 * same['nearest_plain']:.1f} %)"]
        lines.append("| " + " | ".join([*cells, f"{100 * same['nearest_pca']:.1f} %"]) + " |")
    lines += [
        f"\n`{name}`, colours as a Gaussian of standard deviation 0.1, nats per picture: nll {m['nll']:.1f}, kl {m['kl']:.1f}, "
        f"-elbo {-m['elbo']:.1f}; {m['active_units']} of {len(m['kl_per_dim'])} units are active."
        for name, m in found.items()
        if "kl" in m
    ]
    return ["\n".join(lines) + "\n", _smile_table({name: m for name, m in found.items() if "smile" in m})]


def _smile_table(found: dict[str, dict]) -> str:
    strength = f"{face_figures.STRENGTH:g} standard deviations"
    lines = [
        f"Test faces moved {strength} along the smile direction, as `{SMILE_JUDGE}` judges them (in brackets: unmoved):\n",
        "| model | direction | smile gained | smile taken | still nearest to itself among 100 | change outside the mouth |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name, m in found.items():
        for way, s in m["smile"].items():
            cells = [f"`{name}`", way, f"{100 * s['adds']:.1f} % ({100 * s['adds_before']:.1f} %)"]
            cells += [f"{100 * s['takes']:.1f} % ({100 * s['takes_before']:.1f} %)", f"{100 * s['identity']:.1f} %"]
            lines.append("| " + " | ".join([*cells, f"{100 * m['dragged'][way]['outside_mouth']:.0f} %"]) + " |")
    in_code = (
        f"`{name}` " + " / ".join(f"{100 * m['smile_in_code'][part]:.1f}" for part in ("adds", "takes", "identity"))
        for name, m in found.items()
    )
    lines.append(
        "\nA standard deviation is that of the pictures along what changes in them. In standard deviations of the codes, whose scale "
        f"differs from model to model, the difference of means gains / takes / keeps nearest, in %: {', '.join(in_code)}."
    )
    return "\n".join(lines) + "\n"


def _code_table(rows: dict[str, dict]) -> str:
    lines = ["| model | code | MSE | diversity of samples |", "|---|---:|---:|---:|"]
    for name, m in rows.items():
        lines.append(f"| `{name}` | {m['code']} numbers | {m['mse']:.4f} | {m['diversity']:.2f} |")
    return "\n".join(lines) + "\n"


def _denoising_lines(name: str, m: dict) -> str:
    rows = [f"| {what} | {v['before']:.1f} dB | {v['after']:.1f} dB |" for what, v in m["psnr"].items()]
    head = [
        f"Cleaned by `{name}`, PSNR over the {m['images']:,} test digits:\n",
        "| damage | before | after |",
        "|---|---:|---:|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def _inpainting_lines(name: str, m: dict) -> str:
    errors = ", ".join(f"{hole} {error:.4f}" for hole, error in m["hole_mse"].items())
    first = (
        f"Completed by `{name}`, mean squared error over the hidden pixels of the mean of {m['hole_samples']} completions: {errors}."
    )
    if "quadrants" not in m:
        return first + "\n"
    any_task = next(iter(m["quadrants"].values()))
    k, n = any_task["iw_samples"], any_task["iw_images"]
    head = (
        f"| quadrants visible | -elbo, {any_task['particles']} particles | -log p, k={k} from q | -log p, k={k} from the prior |"
    )
    rows = [
        f"| {task} | {-q['elbo']:.2f} | {-q['log_p_posterior']:.2f} | {-q['log_p_prior']:.2f} |"
        for task, q in m["quadrants"].items()
    ]
    which = "the first" if n < m["images"] else "all"
    return (
        f"{first} Nats per image over the hidden pixels, grey (-log p of {which} {n:,} test digits):\n\n"
        + "\n".join([head, "|---|---:|---:|---:|", *rows])
        + "\n"
    )


def _cost_table(found: dict[str, dict]) -> str:
    """Return what each model costs; - where there is no decoder of a single point, or nothing was measured."""
    lines = ["| model | parameters | size | decoder MFLOP | decode one | trained for |", "|---|---:|---:|---:|---:|---:|"]
    for name, m in found.items():
        size, flops, decode, seconds = (m.get(key) for key in ("bytes", "decoder_mflop", "decode_ms", "training_seconds"))
        cells = [f"`{name}`", f"{m['parameters']:,}", "-" if size is None else f"{size / 1e6:.1f} MB"]
        cells += ["-" if flops is None else f"{flops:.1f}", "-" if decode is None else f"{decode:.1f} ms"]
        lines.append("| " + " | ".join([*cells, "-" if seconds is None else f"{seconds / 60:.0f} min"]) + " |")
    return "\n".join(lines) + "\n"


def _classification_line(name: str, m: dict) -> str:
    return (
        f"`{name}` as a generative classifier, {m['n_importance']} samples for each label, reads {100 * m['accuracy']:.2f} % "
        f"of the test digits right, and {100 * m['pen_digits_accuracy']:.1f} % of {m['pen_digits']:,} pen digits that are not MNIST.\n"
    )


def _log_p(m: dict, key: str) -> str:
    """Return a cell; it says on how many samples it rests if not the usual number, on how many pictures if not all."""
    if key not in m:
        return "-"
    notes = [f"k={m['iw_samples']:,}"] if m["iw_samples"] != IW_SAMPLES else []
    notes += [f"the first {m['iw_images']:,}"] if m["iw_images"] != m.get("images") else []
    return f"{-m[key]:.2f}" + (f" ({', '.join(notes)})" if notes else "")


def _table(rows: dict[str, dict]) -> str:
    head = [
        "model",
        "nll",
        "kl",
        "-elbo",
        "-log p(x given y)",
        "-log p(x)",
        "MSE",
        "active units",
        "judged right",
        "diversity",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for name, m in rows.items():
        diversity = f"{m['diversity']:.2f}" if "diversity" in m else "-"
        judged = f"{100 * m['judge_accuracy']:.1f} %" if "judge_accuracy" in m else "-"
        given, whole = (_log_p(m, key) for key in ("log_likelihood", "log_marginal"))
        if "classification" not in m:  # not conditional: what it has is log p(x)
            given, whole = whole, given
        active = f"{m['active_units']} of {len(m['kl_per_dim'])}"
        cells = [f"`{name}`", f"{m['nll']:.2f}", f"{m['kl']:.2f}"]
        cells += [f"{-m['elbo']:.2f}", given, whole, f"{m['mse']:.4f}", active, judged, diversity]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    command("evaluate.py", main)
