"""What a measuring is asked for. Nothing here loads torch, so that a command line can show its help at once."""

from dataclasses import dataclass
from pathlib import Path

IW_SAMPLES = 1000  # importance samples of -log p for each picture; a table says where a figure has others


@dataclass(frozen=True)
class Options:
    """On what figures rest: samples for each picture, how many first pictures (None: all), the seed, the device."""

    data_dir: Path | None = None
    iw_samples: int = IW_SAMPLES
    iw_images: int | None = None
    classify_samples: int = 8
    hole_samples: int = 32
    prior_samples: int = 1000  # of hidden quadrants, at most
    slider_styles: int = 1000  # of each label, on which sliders with names are measured
    seed: int = 0
    device: str = "auto"  # auto | cpu | cuda
    keep: bool = False  # what metrics.json holds of the same weights
