"""Pairs of two models' reconstructions of the same test people, to be judged blind, and the count of the judgements.

    python benchmarks/face_pairs.py pairs/     writes NAME.png, A on the left and B on the right, and pairs.key.json
    python benchmarks/face_pairs.py pairs/ --chosen NAME=A NAME=B ...     prints how often each model was chosen

Names and sides are drawn at random, and the key lies beside the folder, not in it. Each model shows what it was made to
show, at the same size on the screen; with --face both show the classical crop alone.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

MODELS = "ae-faces", "ae-conv-faces"
SIDE, GAP = 384, 24  # pixels of a picture on the screen, and between two


def make(folder: Path, data_dir: Path | None, pairs: int, seed: int, face: bool) -> dict[str, list[str]]:
    """Write the pairs; return the key, for each name the models on the left and on the right."""
    import numpy as np
    from PIL import Image

    from cvae.data import lfw_files as lfw

    rng = np.random.default_rng(seed)
    root = lfw.find(data_dir) if data_dir else None
    if root is None:
        raise SystemExit(f"the faces are not in {data_dir}.")
    people = sorted({f.parent for f in lfw._listing(root) if lfw.part_of(f.parent.name) == "test"})
    key = {}
    for i in rng.choice(len(people), pairs, replace=False):
        picture = Image.open(people[i] / f"{people[i].name}_0001.jpg")
        name, sides = f"{rng.integers(16**6):06x}", [MODELS[k] for k in rng.permutation(2)]
        sheet = Image.new("RGB", (2 * SIDE + GAP, SIDE), "white")
        for k, model in enumerate(sides):
            sheet.paste(_seen(model, picture, face), (k * (SIDE + GAP), 0))
        sheet.save(folder / f"{name}.png")
        key[name] = sides
    return key


def _seen(name: str, picture: Any, face: bool) -> Any:
    """Return what a model makes of a picture of the set, at the size of the screen."""
    import numpy as np
    import torch
    from PIL import Image

    from cvae import faces, tasks
    from cvae.checkpoints import load_run
    from cvae.data import lfw_files as lfw
    from cvae.faces import figures

    model = load_run(name)
    side, shown = model.config.image_shape[1], faces.crop(model)
    x = torch.from_numpy(np.array(lfw.fitted(picture, side, lfw.box(picture.size, shown))))[None].float() / 255
    x_hat = tasks.decode(model, faces.code(model, x))
    x_hat = figures.face(x_hat, shown) if face else x_hat
    pixels = (255 * x_hat[0]).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def count(key: dict[str, list[str]], chosen: list[str]) -> Counter[str]:
    """Return how often each model was chosen, by words such as 0f3a91=A."""
    answers = dict(word.split("=") for word in chosen)
    if set(answers) != set(key) or not set(answers.values()) <= {"A", "B"}:
        raise SystemExit(f"expected an answer, A or B, for each of the {len(key)} pairs: {', '.join(sorted(key))}.")
    return Counter(key[name]["AB".index(side)] for name, side in answers.items())


def main() -> None:
    """Write the pairs, or print the count."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=Path)
    p.add_argument("--data-dir", type=Path, default=os.environ.get("CVAE_DATA_DIR"))
    p.add_argument("--pairs", type=int, default=20)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--face", action="store_true", help="show the classical crop of both")
    p.add_argument("--chosen", nargs="+", metavar="NAME=SIDE", help="the judgements")
    args = p.parse_args()
    path = args.folder.with_name(f"{args.folder.name}.key.json")
    if args.chosen:
        counted = count(json.loads(path.read_text(encoding="utf-8")), args.chosen)
        print("; ".join(f"{name}: {counted[name]} of {sum(counted.values())}" for name in MODELS))
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    key = make(args.folder, args.data_dir, args.pairs, args.seed, args.face)
    path.write_text(json.dumps(key) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
