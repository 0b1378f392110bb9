"""Maps: where a model puts the test images, which of them are near one another, and what map.npz holds of it."""

from cvae.maps.latent_map import (
    COLUMNS,
    EMBEDDINGS,
    FEWEST,
    MOST_CLASSES,
    LatentMap,
    cut_sprite,
    landmarks,
    load_figures,
    load_map,
    load_points,
    make_map,
    make_sprite,
    obstacle,
    save_map,
)

__all__ = [
    "COLUMNS",
    "EMBEDDINGS",
    "FEWEST",
    "MOST_CLASSES",
    "LatentMap",
    "cut_sprite",
    "landmarks",
    "load_figures",
    "load_map",
    "load_points",
    "make_map",
    "make_sprite",
    "obstacle",
    "save_map",
]
