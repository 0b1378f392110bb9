"""What a training can minimise: one function for each objective, and one row that says how it is used.

An objective takes a model, pictures x (N, C, H, W) in [0, 1], what the model is given about them, c (N, ...), standard
normal noise (K, N, D), and beta, the weight of the KL. It returns what is minimised, a scalar, and for the history the
terms nll and kl of each picture, (N,), which never contain beta.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from cvae import critic, losses, tasks
from cvae.conditions import Condition
from cvae.config import ModelConfig, Preset, Stage

TAUGHT_REFINEMENTS = 5  # steps that refine a code while the decoder learns: fewer than in use, as each costs a decoding
DETAIL = 1.0  # weight of the error of edges beside that of pixels
INDEPENDENT = 4000.0  # nats that a covariance of 1 between code and label costs
MATCHED = 4.0  # weight of a critic's feature maps beside its opinion
PERSUASION = 1.6  # weight of a critic beside the errors, where 1 pulls the last layer as strongly as they do
SMALL = 1e-6  # a pull that is none
Terms: TypeAlias = tuple[Tensor, Tensor, Tensor]


def elbo(model: Any, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """The evidence lower bound of one sample, of Kingma and Welling (2014); with a beta, Higgins et al. (2017)."""
    nll, kl = losses.nll_and_kl(model, x, c, noise[0])
    return (nll + beta * kl).mean(), nll, kl


def clean_picture(model: Any, x: Tensor, spoiled: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """-log p(x | spoiled) of a denoising autoencoder, Vincent et al. (2008)."""
    nll = losses.clean_nll(model, x, spoiled)
    return nll.mean(), nll, torch.zeros_like(nll)


def label(model: Any, x: Tensor, y: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """-log p(y | x) of a classifier."""
    nll = losses.class_nll(model, x, y)
    return nll.mean(), nll, torch.zeros_like(nll)


def ink(model: Any, x: Tensor, photographs: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """Which pixels of a photograph are ink of a digit."""
    loss, nll = losses.ink_terms(model, x, photographs)
    return loss.mean(), nll, torch.zeros_like(nll)


def prior(model: Any, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """The KL from posteriors that no longer move to the learned prior, which learns alone.

    While encoder and prior learn together, the prior trails the posteriors that it should cover. Fitted once more at
    the end, it catches up: the second stage of Dai and Wipf (2019), with a flow in the place of their second VAE.
    """
    kl = losses.kl_of_frozen_posterior(model, x, c, noise)
    return kl.mean(), torch.full_like(kl, math.nan), kl


def weighted(model: Any, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """The importance-weighted bound of K samples, Burda, Grosse and Salakhutdinov (2016).

    It forgives an encoder's misses. It comes after the plain bound, since its steps cost more.
    """
    bound, nll, kl = losses.weighted_terms(model, x, c, noise)
    return -bound.mean(), nll, kl


def refined(model: Any, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """-log p(x | z) at codes that were refined as in use, and beside them at the encoder's own; nll is of the first.

    A decoder that has only seen an encoder's guesses is not the best for refined codes, so it learns from these last.
    """
    code = model.encode(x).mode()
    best = tasks.refine(model, x, code.detach(), TAUGHT_REFINEMENTS)
    out = model.decode(torch.cat([best, code]))
    nll, guessed = losses.masked_nll(model, out, x.repeat(2, 1, 1, 1), None).chunk(2)
    return (nll + guessed).mean(), nll, torch.zeros_like(nll)


class _Detailed(NamedTuple):
    """The terms of `detailed`, with what they are of: reconstructions (N, C, H, W) and codes (N, D)."""

    loss: Tensor
    nll: Tensor
    kl: Tensor
    x_hat: Tensor
    codes: Tensor


def _detailed(model: Any, x: Tensor, c: Tensor | Condition, noise: Tensor, beta: float | Tensor) -> _Detailed:
    c = model.condition(c, x)
    posterior = model.encode(x, c)
    z = posterior.from_base(noise[0])
    x_hat = model.decode(z, c)
    nll, kl = losses.masked_nll(model, x_hat, x, c), posterior.kl(model.prior(c), z)
    loss = (nll + DETAIL * losses.detail_nll(x_hat, x) + beta * kl).mean()
    return _Detailed(loss, nll, kl, x_hat, posterior.mode())


def detailed(model: Any, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """The evidence lower bound, and beside its squared error that of edges, large and small."""
    return _detailed(model, x, c, noise, beta)[:3]


def told(model: Any, x: Tensor, y: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
    """`detailed`, with codes in which the label does not show, so that the decoder has to go by what it is told.

    A code that holds all of a face holds its smile too, told or not. Lopez et al. (2018), "Information Constraints on
    Auto-Encoding Variational Bayes", take out what a code shares with a label in this way.
    """
    c = model.condition(y, x)
    made = _detailed(model, x, c, noise, beta)
    return made.loss + INDEPENDENT * losses.dependence(made.codes, c.rows), made.nll, made.kl


def adversarial(model: Any, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor, judge: critic.Critic) -> Terms:
    """`detailed`, and besides what a critic, which learns in the same step, makes of the reconstruction.

    A squared error alone asks for the mean of all that a face may have been, which is soft. A critic asks for one that
    could be a photograph (Larsen et al. 2016; the weight: Esser, Rombach and Ommer 2021, "Taming Transformers").
    """
    loss, nll, kl, x_hat, _ = _detailed(model, x, c, noise, beta)
    together = [maps.chunk(2) for maps in judge(torch.cat([x, x_hat.detach()]))]
    learned = critic.hinge(*together[-1])
    seen = judge.fixed(x_hat)
    fooled = MATCHED * critic.apart([real for real, _ in together], seen) - seen[-1].mean()
    (slope,) = torch.autograd.grad(fooled, x_hat)
    pull = PERSUASION * _balance(model, loss, x_hat, slope) * slope
    return loss + (pull.detach() * x_hat).sum() + learned, nll, kl


def _balance(model: Any, loss: Tensor, x_hat: Tensor, slope: Tensor) -> Tensor:
    """Return what a slope at the reconstruction must be multiplied by to move the last layer as far as `loss` does."""
    last = [m for m in model.decoder.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)][-1]
    (wanted,) = torch.autograd.grad(loss, last.weight, retain_graph=True)
    (other,) = torch.autograd.grad(x_hat, last.weight, slope, retain_graph=True)
    return wanted.norm() / (other.norm() + SMALL)


@dataclass(frozen=True)
class Objective:
    """An objective and how it is used; `needs` says in words which models it `fits`."""

    terms: Callable[..., Terms]
    fits: Callable[[ModelConfig], bool]
    needs: str
    trains: str = ""  # the one part of the model that learns; empty: all of it
    critic: bool = False  # one learns beside the model, and is given to the terms
    still: bool = False  # BatchNorm keeps its statistics, and pictures are not moved any more
    nested: bool = False  # takes gradients of its own within a step, which cannot be compiled
    waits: bool = False  # for the processor within a step, which cannot be captured
    validates: bool = False  # the validation measures its terms; else those of the family's own objective


def _has_codes(config: ModelConfig) -> bool:
    sees_whole = config.kind.latent and config.likelihood == "gaussian" and not config.kind.completes
    return sees_whole and min(config.image_shape[1:]) >= critic.COARSE


CODES = (
    "a model with an encoder, a z and a decoder, of likelihood gaussian, that sees whole pictures "
    f"of {critic.COARSE}x{critic.COARSE} pixels or more"
)
OBJECTIVES = {
    # what families have as their own
    "elbo": Objective(elbo, lambda config: config.kind.latent, "a model with an encoder, a z and a decoder"),
    "clean picture": Objective(clean_picture, lambda config: config.kind.cleans, "a model that cleans pictures"),
    "class": Objective(label, lambda config: config.kind.objective == "class", "a classifier"),
    "ink": Objective(ink, lambda config: config.kind.objective == "ink", "a model that finds ink"),
    # what further stages may have
    "prior": Objective(prior, lambda config: config.flow_layers > 0, "flow_layers of 1 or more", "flow", still=True),
    "weighted": Objective(
        weighted,
        lambda config: config.kind.has_likelihood and not config.posterior_flow_layers,
        "a model of family vae or cvae whose posterior is a plain Gaussian",
    ),
    "detailed": Objective(detailed, _has_codes, CODES),
    "told": Objective(told, lambda config: _has_codes(config) and config.kind.labelled, f"{CODES}, and takes labels"),
    "adversarial": Objective(adversarial, _has_codes, CODES, critic=True, nested=True),
    "refined": Objective(
        refined,
        lambda config: config.kind.posterior == "point",
        "the codes of an autoencoder",
        still=True,
        nested=True,
        waits=True,
        validates=True,
    ),
}


def of(stage: Stage, config: ModelConfig) -> Objective:
    """Return the objective of a stage of a model; ValueError where there is none of its name."""
    name = stage.objective or config.kind.objective
    if name not in OBJECTIVES:
        raise ValueError(f"objective must be one of {', '.join(OBJECTIVES)}; got {name!r}.")
    return OBJECTIVES[name]


def measured(stage: Stage, config: ModelConfig) -> Objective:
    """Return the objective whose terms the validation measures during a stage."""
    objective = of(stage, config)
    return objective if objective.validates else OBJECTIVES[config.kind.objective]


def check(preset: Preset, model: nn.Module) -> None:
    """Raise ValueError unless `model`, built of the preset, can be trained in each of its stages."""
    for stage in preset.train.stages:
        objective = of(stage, preset.model)
        if not objective.fits(preset.model):
            got = f"{preset.name}, of family {preset.model.family}"
            raise ValueError(f"objective {stage.objective!r} needs {objective.needs}; got it for {got}.")
        if objective.critic and stage.frozen == "decoder":
            raise ValueError(f"objective {stage.objective!r} teaches the decoder; {preset.name} has it frozen.")
        if stage.frozen and getattr(model, stage.frozen, None) is None:
            raise ValueError(f"frozen must be a part of the model; {preset.name} has no {stage.frozen!r}.")


class Learner(nn.Module):
    """A model with what is minimised of it, as one module: DDP and torch.compile see one forward pass."""

    def __init__(self, model: nn.Module, objective: Objective, critic: nn.Module | None = None) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        self.critic = critic

    def forward(self, x: Tensor, c: Tensor, noise: Tensor, beta: float | Tensor) -> Terms:
        """Return the loss (scalar), nll (N,) and kl (N,) of the objective."""
        given = () if self.critic is None else (self.critic,)
        return self.objective.terms(self.model, x, c, noise, beta, *given)
