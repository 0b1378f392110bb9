"""Faces: the classical exercise's protocol beside principal components, and how fast the page is.

python benchmarks/faces.py --data-dir DIR trains a small model on 32x32 faces, some minutes; --box looks instead how
often the box of a face is found in an upload; --page times the page (run that with nothing else on the machine).
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import median_and_p95, percentile, table  # noqa: E402

CODE, LATENTS = 32, 64  # of the exercise, of the shipped models
SHARE = 10  # one picture in this many is a test picture, whoever is on it, as in the exercise
ROUNDS = 7
PICTURES = 150
CROPS = {80: "80 pixels, the page's", 90: "90 pixels, the exercise's own code"}


def preset(epochs: int):
    """Return the model of the exercise: convolutions, a code of 32 numbers, squared error."""
    from cvae.config import DataConfig, ModelConfig, Preset, Stage, TrainConfig

    model = ModelConfig(
        "autoencoder", "conv", (3, 32, 32), CODE, widths=(32, 64, 128), likelihood="gaussian", linear=True
    )
    train = TrainConfig((Stage(epochs, 1.5e-3),), batch_size=64, settle=40, clip=0.0)
    return Preset("exercise", "The classical exercise.", model, DataConfig(mirror=True), train)


def exercise(data_dir: Path | None, crop: int, epochs: int) -> dict[str, float]:
    """Return test figures of the trained autoencoder and of as many principal components."""
    import torch
    from lightning_fabric import Fabric

    from cvae import checkpoints, data, training
    from cvae.faces import figures as face_figures

    found = data.lfw(data_dir, "all", 32, crop, download=True)
    images = data.ImageSet(torch.tensor(found.images), torch.zeros(len(found), dtype=torch.int64), ())
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(42))
    n = len(images) // SHARE
    test, train, held = images[order[:n]], images[order[n:]], images[order[n : n + 500]]
    with tempfile.TemporaryDirectory() as folder:
        # what is watched while it trains is a part of the training set: nothing is chosen by it
        training.fit(preset(epochs), train, held, Path(folder), Fabric(accelerator="cpu", devices=1))
        model = checkpoints.load_run(folder)
    return face_figures.reconstruction(model, train.pixels(), test.pixels())


def components_as_people(data_dir: Path | None, dims: int) -> tuple[float, float]:
    """Return how often the nearest other test picture is the same person: by plain components, and with our metric."""
    import torch
    from torch.nn import functional as F

    from cvae import data
    from cvae.faces import directions
    from cvae.faces import figures as face_figures

    parts = {part: data.lfw(data_dir, part, 64, download=True) for part in ("train", "test")}
    x = {part: torch.tensor(found.images).float() / 255 for part, found in parts.items()}
    mean, basis = face_figures.components(x["train"], dims)
    u = {part: (rows.flatten(1) - mean) @ basis for part, rows in x.items()}
    ids = {name: i for i, name in enumerate(sorted(set(parts["train"].people)))}
    metric = directions.within_person(u["train"], torch.tensor([ids[name] for name in parts["train"].people]))
    rows = u["test"], F.normalize(u["test"] @ metric, dim=1)
    plain, learned = (face_figures.same_person(codes, parts["test"].people) for codes in rows)
    return plain, learned


def loads(browser, address: str) -> list[float]:
    """Return the seconds of each visit until the gallery is there, the browser's cache empty."""
    from tests.e2e.serving import until_shown

    times = []
    for _ in range(ROUNDS):
        page = browser.new_page()
        begin = time.perf_counter()
        page.goto(address + "/Faces")
        until_shown(page, ".gallery[data-ready]")
        times.append(time.perf_counter() - begin)
        page.close()
    return times


def box_rows(data_dir: Path | None, name: str) -> list[tuple[str, ...]]:
    """Return rows on faces.locate and faces.strangeness, on pictures of validation people, which neither has seen."""
    import numpy as np
    import torch
    from PIL import Image

    from cvae import faces
    from cvae.checkpoints import load_run, run_dir
    from cvae.data import lfw_files as lfw

    model, space, rng = load_run(name), faces.load(run_dir(name)), np.random.default_rng(0)
    side, box = model.config.image_shape[1], lfw.box((lfw.SIDE, lfw.SIDE), faces.crop(model))
    held_out = sorted(f for f in lfw._listing(lfw.find(Path(data_dir))) if lfw.part_of(f.parent.name) == "validation")
    right_boxes, seconds, crops = {"whole": 0, "cut and scaled": 0}, [], []
    for i in rng.permutation(len(held_out))[:PICTURES]:
        picture = Image.open(held_out[i]).convert("RGB")
        crops.append(lfw.fitted(picture, side, box))
        for kind, image, true in (("whole", picture, box), ("cut and scaled", *_cut(picture, box, rng))):
            begin = time.perf_counter()
            found = faces.locate(model, space, image)
            seconds.append(1000 * (time.perf_counter() - begin))
            if found is not None:
                overlap = faces.space._overlap(torch.tensor([found]), torch.tensor(true))
                right_boxes[kind] += float(overlap[0]) > 0.5
    strange = _called_strange(model, space, np.stack(crops), rng)
    rows = [
        (f"{name}: box found (overlap above 0.5), {kind}", f"{100 * n / PICTURES:.0f} %")
        for kind, n in right_boxes.items()
    ]
    rows.append((f"{name}: time to find it, median / p95", median_and_p95(seconds)))
    return rows + [(f"{name}: called hardly a face, {kind}", f"{100 * share:.0f} %") for kind, share in strange.items()]


def _cut(picture, box: tuple[float, ...], rng) -> tuple:
    """Return a scaled square of a picture that holds the face somewhere, and the box of the face in it."""
    left, top, right, bottom = box
    edge = rng.uniform(max(110, right - left + 20), picture.width)
    x, y = (
        rng.uniform(max(0, far - edge), min(near, picture.width - edge)) for near, far in ((left, right), (top, bottom))
    )
    cut = picture.resize((size := round(edge * rng.uniform(1, 3)),) * 2, box=(x, y, x + edge, y + edge))
    return cut, tuple((v - start) * size / edge for v, start in zip(box, (x, y, x, y), strict=True))


def _called_strange(model, space, crops, rng) -> dict[str, float]:
    """Return what share of faces (N, 3, S, S) uint8, of noise and of plain colours is called hardly a face."""
    import numpy as np
    import torch

    from cvae import faces

    shown = {"faces": torch.from_numpy(crops).float() / 255}
    shown["noise"] = torch.from_numpy(rng.random(shown["faces"].shape, np.float32))
    shown["one colour"] = torch.from_numpy(rng.random((PICTURES, 3, 1, 1), np.float32)).expand_as(shown["faces"])
    return {
        kind: float((faces.strangeness(model, space, x) > faces.STRANGE).float().mean()) for kind, x in shown.items()
    }


def page_rows() -> list[tuple[str, ...]]:
    """Return rows on the page's speed."""
    from benchmarks.latency import drag, open_page
    from tests.e2e.serving import running_app, running_browser

    with running_app() as address, running_browser() as browser:
        time.sleep(8)  # what the launcher loads after the start
        times = loads(browser, address)
        page = open_page(browser, address, "/Faces", here=True)
        page.set_viewport_size({"width": 1280, "height": 1200})  # so that the slider is on the screen
        page.wait_for_timeout(500)
        rate, trips = drag(page, "input[type=range][aria-label=Smiling]")
    return [
        ("page load until the gallery", f"{percentile(times, 0.5):.2f} s, worst {max(times):.2f} s", "1.5 s"),
        ("smile slider, drag: pictures a second; move to pixels", f"{rate:.1f}; {median_and_p95(trips)}", "55"),
    ]


def main() -> None:
    """Print the tables."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data-dir", type=Path, default=os.environ.get("CVAE_DATA_DIR"))
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument(
        "--crops", type=int, nargs="*", choices=CROPS, default=list(CROPS), help="pixels of the crop (default: both)"
    )
    p.add_argument("--page", action="store_true", help="time the page instead")
    p.add_argument("--box", action="store_true", help="look for faces in pictures instead")
    p.add_argument("--names", nargs="*", help="of which models (--box; default: all of faces)")
    args = p.parse_args()
    if args.box:
        names = args.names or ("ae-faces", "ae-conv-faces", "vae-conv-faces", "ae-dense-faces")
        rows = [row for name in names for row in box_rows(args.data_dir, name)]
        table(f"{PICTURES} pictures of validation people", [("what", "measured"), *rows])
        return
    if args.page:
        table(f"Faces, {ROUNDS} visits, headless Chromium", [("what", "measured", "must reach"), *page_rows()])
        return
    rows = [("32x32, random 10 % as test, code of 32: crop", "autoencoder", "its encoder alone", "PCA", "ratio")]
    for crop in args.crops:
        found = exercise(args.data_dir, crop, args.epochs)
        errors = [f"{found[key]:.5f}" for key in ("mse", "encoder_mse", "pca_mse")]
        rows.append((CROPS[crop], *errors, f"{found['mse'] / found['pca_mse']:.2f}"))
    table("Mean squared error on test pictures", rows)
    plain, learned = components_as_people(args.data_dir, LATENTS)
    rows = [("64x64, split by person", "plain distance", "distance that discounts what varies within a person")]
    rows.append((f"{LATENTS} principal components", f"{100 * plain:.1f} %", f"{100 * learned:.1f} %"))
    table("Nearest other test picture is of the same person", rows)


if __name__ == "__main__":
    main()
