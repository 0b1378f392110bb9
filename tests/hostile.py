"""A zoo in which every word that is not the app's own is markup, and the visits of all pages that show such words."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from cvae import checkpoints, faces, progress
from cvae.config import DataConfig, ModelConfig, Preset
from tests.app import MODELS, fill
from tests.test_drawing import DIGIT
from tests.test_drawing import INK as BITS
from tests.test_faces import CONFIG as FACES
from tests.test_faces import small_model, small_space
from ui.faces import photo
from ui.shell import sketch
from ui.widgets.canvas import source

NAME = "![m](x.png) [l](x) www.a.test <b>m<b> :red[m] $m$ `m`"  # a folder may be called so
WORDS = f"{NAME} ![m](//a.test/p.png) [l](//a.test/l) <img src=//a.test/i.png> http://a.test :material/home:"
# as long as it is markup
RAW = r"(?<!\\)(!?\[[ml]\]\(|:red\[|<b>m|<img src=//a|\$m\$|`m`)|www\.a|http://a|:material/home"
FACE = photo.packed(np.full((64, 64, 3), 90, np.uint8).transpose(2, 0, 1))


def fill_with_markup(root: Path) -> None:
    """Write the small zoo and a model of faces into `root`, with markup for all names, texts and keys of figures."""
    fill(root)
    classes = tuple(f"{label} {WORDS}" for label in range(10))
    for name, config in {**MODELS, "faces": FACES}.items():
        folder = (root / name).rename(root / called(name)) if name in MODELS else root / called(name)
        preset = Preset(folder.name, WORDS, config, DataConfig(f"/nowhere/{NAME}"), classes=classes)
        if name == "faces":
            people = tuple(f"{person}_{WORDS}" for person in small_space().people)
            checkpoints.save_run(folder, preset, small_model().state_dict())
            faces.save(folder, replace(small_space(), people=people))
        checkpoints.write_text(folder / checkpoints.CONFIG, json.dumps(preset.to_dict()))
        _measure(folder, config)
    (root / called("broken")).mkdir()
    checkpoints.write_text(root / called("broken") / checkpoints.CONFIG, json.dumps({WORDS: 1}))


def called(name: str) -> str:
    """Return the folder of a model of the zoo."""
    return f"{name} {NAME}"


def _measure(folder: Path, config: ModelConfig) -> None:
    """Write a history, pictures of the training and figures whose keys are markup."""
    path = folder / checkpoints.METRICS
    figures = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    moved = {"outside_mouth": 0.5, "brightness": 0.1, WORDS: 1.0}
    figures |= {"psnr": {WORDS: {"before": 1.0, "after": 2.0}}, "hole_mse": {WORDS: 0.1}, "dragged": {WORDS: moved}}
    checkpoints.write_text(path, json.dumps(figures))
    with (folder / checkpoints.HISTORY).open("w", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "train_nll", "train_kl", "val_nll", "val_kl", "beta", "seconds"])
        rows.writerows([epoch, 200 / epoch, 20, 180 / epoch, 21 if config.latent_dim else 0, 1, 30] for epoch in (1, 2))
    channels, height, width = config.image_shape
    pictures = np.random.default_rng(0).integers(0, 256, (20, height, width, channels), dtype=np.uint8)
    progress.add(folder, 2, {"reconstructions": pictures})


INK = sketch.shorten(BITS)
UPLOADED = {"source": source.UPLOAD, "digit": DIGIT}
LABELS, PLANE, PAINTER = ({"model": called(name)} for name in ("labels", "plane", "painter"))
VIEWS = ["All models", "Side by side", "Loss curves", "Watch it learn", "Model cards"]
TOOLS = ["Smile", "Reconstruct", "Morph", "Similar faces", "Make a slider", "New faces"]
VISITS = [
    ("app.py", {}),
    *(
        (f"pages/{page}.py", {"model": WORDS})
        for page in ("1_Explore", "2_Generate", "3_Draw", "4_Inpaint", "5_Map", "6_Faces")
    ),
    *(
        ("pages/1_Explore.py", PLANE | {"view": view})
        for view in ("Traversals", "Between two points", "The whole plane")
    ),
    ("pages/1_Explore.py", LABELS),
    *(("pages/2_Generate.py", LABELS | {"show": show}) for show in ("Samples", "One style, all classes")),
    *(("pages/3_Draw.py", LABELS | UPLOADED | {"task": task}) for task in ("Reconstruct", "Denoise")),
    ("pages/3_Draw.py", LABELS | {"source": source.PICTURE}),
    ("pages/3_Draw.py", LABELS | {"ink": INK}),
    ("pages/4_Inpaint.py", PAINTER | UPLOADED),
    ("pages/4_Inpaint.py", LABELS | {"source": source.PICTURE}),
    ("pages/5_Map.py", LABELS | {"point": "7"}),
    ("pages/5_Map.py", PLANE | {"point": WORDS, "a": WORDS}),
    ("pages/5_Map.py", PLANE | {"own": "true", "ink": INK}),
    *(("pages/6_Faces.py", {"tool": tool, "called": WORDS[:24], "plus": "1,2", "minus": "3"}) for tool in TOOLS),
    ("pages/6_Faces.py", {"tool": "Reconstruct", "who_find": WORDS}),
    ("pages/6_Faces.py", {"tool": "Reconstruct", "face": "Upload", "photo": FACE}),
    *(
        ("pages/7_Models.py", {"view": view, "a": called(a), "b": called(b)})
        for view in VIEWS
        for a, b in (("labels", "judge"), ("painter", "cleaner"))
    ),
]
