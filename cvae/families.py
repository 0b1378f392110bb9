"""The seven families of models, one record each: how it is built, what is minimised, what is measured, what it can do.

No other code asks for the name of a family: it asks the record, `config.kind`, for the one property that it depends on.
The record stands below all other modules, so it names functions instead of holding them: `model` is a key of
models.MODELS, `objective` of objectives.OBJECTIVES, `given` of conditions.READERS, `figures` of
evaluation/measuring.FIGURES.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# what a model may be given beside x or in its place
LABEL, PIXELS, SPOILED, PHOTOGRAPH = "label", "visible pixels", "spoiled picture", "photograph"


@dataclass(frozen=True)
class Family:
    """What all models of one family have in common."""

    title: str  # what a reader calls it
    paper: str  # that it follows, as the presets cite it; empty without one
    model: str = "latent"  # latent: encoder, z, decoder | denoiser | classifier | ink
    given: str = ""  # LABEL, PIXELS, SPOILED or PHOTOGRAPH; empty: the picture alone
    posterior: str = "gaussian"  # gaussian | point: a code without a distribution, and without a prior
    networks: tuple[str, ...] = ("dense", "conv", "residual")  # that it can be built of
    objective: str = "elbo"  # elbo | clean picture | class | ink
    figures: str = "likelihood"  # likelihood | code | completions | cleaning | accuracy | ink
    decodes: bool = False  # a point z, with a label where it takes one, makes a picture; every picture has such a point
    has_likelihood: bool = False  # of whole pictures, so that -elbo, log p(x) and a map of its z mean something
    labelled: bool = False  # knows classes: n_classes is 2 or more
    completes: bool = False  # answers with the hidden pixels, given the visible ones
    cleans: bool = False  # answers with a clean picture, given a spoiled one

    @property
    def latent(self) -> bool:
        """Whether it has an encoder, a z and a decoder."""
        return self.model == "latent"

    @property
    def has_prior(self) -> bool:
        """Whether its z has a distribution to sample from."""
        return self.latent and self.posterior != "point"

    @property
    def draws(self) -> bool:
        """Whether it puts out pictures."""
        return self.decodes or self.completes or self.cleans


FAMILIES = {
    "autoencoder": Family(
        "autoencoder", "Hinton and Salakhutdinov 2006", posterior="point", figures="code", decodes=True
    ),
    "vae": Family("VAE", "Kingma and Welling 2014", decodes=True, has_likelihood=True),
    "cvae": Family(
        "conditional VAE", "Sohn, Lee and Yan 2015", given=LABEL, decodes=True, has_likelihood=True, labelled=True
    ),
    "inpainting": Family(
        "completes holes",
        "Sohn, Lee and Yan 2015",
        given=PIXELS,
        networks=("dense", "residual"),
        figures="completions",
        completes=True,
    ),
    "denoising": Family(
        "removes noise",
        "Vincent et al. 2008",
        model="denoiser",
        given=SPOILED,
        networks=("residual",),  # its decoder sees the feature maps of a residual encoder
        objective="clean picture",
        figures="cleaning",
        cleans=True,
    ),
    "ink": Family(
        "finds ink",
        "Ronneberger, Fischer and Brox 2015",
        model="ink",
        given=PHOTOGRAPH,
        networks=("conv",),
        objective="ink",
        figures="ink",
    ),
    "classifier": Family("classifier", "", model="classifier", objective="class", figures="accuracy", labelled=True),
}


def those(fit: Callable[[Family], bool]) -> tuple[str, ...]:
    """Return the names of the families that fit."""
    return tuple(name for name, family in FAMILIES.items() if fit(family))


def belongs(config: Any, names: tuple[str, ...]) -> bool:
    """Tell whether a model of this configuration is of one of the families of these names."""
    return config.family in names
