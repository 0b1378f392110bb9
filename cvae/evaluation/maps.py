"""What map.npz holds: the encoded test pictures that several pages show, or the whole layout of the Map page."""

import io

import numpy as np
from tqdm import tqdm

from cvae import checkpoints, data, latent, maps
from cvae.evaluation import report
from cvae.evaluation.options import Options
from cvae.maps import embeddings
from cvae.models import LatentModel

POINTS = 1000  # encoded test images to start from, where no pad shows all of them


def write_map(name: str, options: Options) -> None:
    """Write the map.npz of one model; ValueError unless it is a generative one of grey pictures, of enough of them."""
    model = checkpoints.load_run(name)
    preset = model.preset
    if reason := maps.obstacle(preset):
        raise ValueError(reason)
    images = data.load(preset.data.dataset, False, options.data_dir, preset.model.image_shape, download=True)
    if reason := maps.obstacle(preset, len(images), len(images.classes)):
        raise ValueError(reason)
    with tqdm(total=sum(embeddings.TSNE_STEPS), desc=f"t-SNE of {name}", unit="step") as bar:
        layout = maps.make_map(model, images, options.seed, lambda done: bar.update(done - bar.n))
    maps.save_map(checkpoints.run_dir(name), layout)
    print("\n".join([*_lines(name, layout), report.where(name, preset, "Map")]))


def _lines(name: str, layout: maps.LatentMap) -> list[str]:
    kept = {space: f"{100 * figures['knn_accuracy']:.1f} %" for space, figures in layout.figures.items()}
    others = ", ".join(f"{maps.EMBEDDINGS[space]} {share}" for space, share in kept.items() if space in maps.EMBEDDINGS)
    return [
        f"{name}: a map of {len(layout):,} test pictures. "
        "Most of the five nearest neighbours are of a picture's own class",
        f"  for {kept['u']} of the pictures in the latent space, and on the map: {others}",
    ]


def write_points(name: str, model: LatentModel, images: data.ImageSet) -> None:
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
