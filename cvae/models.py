"""The models, composed by configuration: the CVAE, and two without a z. Losses live in losses.py."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from cvae import conditions
from cvae.conditions import Condition
from cvae.config import ModelConfig, Preset
from cvae.flow import CouplingFlow, FlowPosterior, FlowPrior
from cvae.gaussian import DiagonalGaussian, Point, Posterior, Prior
from cvae.networks import (
    Principal,
    Pyramid,
    ResidualDecoder,
    ResidualEncoder,
    RunningScale,
    halved,
    make_decoder,
    make_encoder,
)


class LatentModel(Protocol):
    """What losses, tasks and figures ask of a model with a z.

    c is a Condition, or a tensor that `condition` makes one of (see conditions.py); x is (N, C, H, W), z is (N, D).
    """

    config: ModelConfig
    preset: Preset  # of one that checkpoints.load_run has returned

    def condition(self, c: Tensor | Condition | None, like: Tensor) -> Condition:
        """Return c as a Condition of the N rows of `like`."""

    def encode(self, x: Tensor, c: Tensor | Condition | None = None) -> Posterior:
        """Return q(z | x, c)."""

    def prior(self, c: Tensor | Condition | None = None) -> Prior:
        """Return p(z | c)."""

    def decode(self, z: Tensor, c: Tensor | Condition | None = None) -> Tensor:
        """Return the parameters of p(x | z, c), (N, C, H, W): logits (bernoulli) or means (gaussian)."""

    def pixel_means(self, z: Tensor, c: Tensor | Condition | None = None) -> Tensor:
        """Return E[x | z, c] in [0, 1], (N, C, H, W)."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return its weights, which tell where it lies."""


class CVAE(nn.Module):
    """Conditional variational autoencoder: q(z | x, c), p(z | c), p(x | z, c). Sohn, Lee and Yan (2015).

    Without a condition it is the VAE of Kingma and Welling (2014), "Auto-Encoding Variational Bayes". The configuration
    says what each part is:

    - The condition is none; a label, which joins picture and z as a one-hot row; or the visible pixels. A prior network
      looks at these, and the decoder joins its feature maps, so that nothing about them need pass through z; in a dense
      model they join picture and z as one long row instead.
    - The prior is the standard normal or, with `flow_layers`, a flow that is conditional on c.
    - The posterior is a diagonal Gaussian, which a flow may bend; or a point, in the plain autoencoder of Hinton and
      Salakhutdinov (2006). Each number of its code has mean 0 and variance 1 over the training pictures, but nothing
      makes the code as a whole a standard normal. That stands in for the prior it lacks: sampled from it, many pictures
      are poor, which is why there are variational autoencoders.
    - With `linear` encoder and decoder have a fixed path beside them, the principal components.
    """

    preset: Preset

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        channels, dims, n_conditions = config.image_shape[0], config.latent_dim, conditions.n_numbers(config)
        looks, is_point = config.sees_pixels, config.kind.posterior == "point"
        n_encoded = n_conditions if config.label_in == "both" else 0
        n_context = config.flow_width if looks else n_conditions
        self.prior_network = ResidualEncoder(config, channels + 1, 0, n_context) if looks else None
        self.encoder = make_encoder(config, channels + int(looks), n_encoded, dims if is_point else 2 * dims)
        self.scale = RunningScale(dims) if is_point else None
        self.decoder = make_decoder(config, n_conditions, joins=looks)
        self.flow = _flow(config, n_context, config.flow_layers)
        self.posterior_flow = _flow(config, 2 * dims, config.posterior_flow_layers)  # given the parameters of its base
        self.principal = Principal(math.prod(config.image_shape), dims) if config.linear else None

    @torch.no_grad()
    def start_linear(self, x: Tensor) -> None:
        """Fit the linear path to pictures x (N, C, H, W), and start the networks beside it at zero.

        So training sets out from the best linear autoencoder (Baldi and Hornik 1989): its code is whitened components.
        """
        assert self.principal is not None  # a model with `linear`
        self.principal.fit(x)
        for part in (self.encoder, self.decoder):
            last = [m for m in part.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)][-1]
            for weights in last.parameters():
                nn.init.zeros_(weights)

    def condition(self, c: Tensor | Condition | None, like: Tensor) -> Condition:
        """Return c as a Condition of the N rows of `like`; one that is comes back as it is, so that it is made once.

        ValueError if c is missing or does not fit.
        """
        if isinstance(c, Condition):
            return c
        given = conditions.read(c, like, self.config)
        return given if self.prior_network is None else given.seen_by(self.prior_network)

    def encode(self, x: Tensor, c: Tensor | Condition | None = None) -> Posterior:
        """Return q(z | x, c), one row per row of x (N, C, H, W) in [0, 1].

        Where a prior network looks at the visible pixels, it is q(z | x, mask), and the mask is one more channel of x.
        """
        c = self.condition(c, x)
        rows = c.rows if self.config.label_in == "both" else c.rows[:, :0]
        seen = x
        if self.prior_network is not None and c.visible is not None:
            seen = torch.cat([x, c.visible.to(x.dtype)], dim=1)
        parameters = self.encoder(seen, rows)  # (N, 2 D), or (N, D) of a point
        if self.principal is not None:
            code = self.principal.encode(x)
            missing = parameters.shape[1] - code.shape[1]  # the log-variances of a Gaussian, to which it adds nothing
            parameters = parameters + nn.functional.pad(code, (0, missing))
        return self._posterior(parameters)

    def _posterior(self, parameters: Tensor) -> Posterior:
        if self.scale is not None:
            return Point(self.scale(parameters))
        base = DiagonalGaussian.from_parameters(parameters)
        return base if self.posterior_flow is None else FlowPosterior(self.posterior_flow, base)

    def prior(self, c: Tensor | Condition | None = None) -> Prior:
        """Return p(z | c): a standard normal (D,), or the flow's density with one row per row of c."""
        anchor = next(self.parameters())
        if self.flow is None:
            return DiagonalGaussian.standard(self.config.latent_dim, anchor)
        if not isinstance(c, Condition):
            c = self.condition(c, anchor.new_zeros(1 if c is None else c.shape[0], 0))
        return FlowPrior(self.flow, c.context)

    def decode(self, z: Tensor, c: Tensor | Condition | None = None) -> Tensor:
        """Return the parameters of p(x | z, c) for z (N, D): logits (bernoulli) or means (gaussian), (N, C, H, W).

        Given visible pixels, those of visible pixels mean nothing.
        """
        c = self.condition(c, z)
        out = self.decoder(z, c.rows, *c.maps)
        return out if self.principal is None else out + self.principal.decode(z).view_as(out)

    def pixel_means(self, z: Tensor, c: Tensor | Condition | None = None) -> Tensor:
        """Return E[x | z, c] in [0, 1], (N, C, H, W), with visible pixels copied through."""
        c = self.condition(c, z)
        out = self.decode(z, c)
        means = out.sigmoid() if self.config.likelihood == "bernoulli" else out.clamp(0, 1)
        return means if c.visible is None or c.pixels is None else torch.where(c.visible, c.pixels, means)


def _flow(config: ModelConfig, n_conditions: int, n_layers: int) -> CouplingFlow | None:
    return CouplingFlow(config.latent_dim, n_conditions, n_layers, config.flow_width) if n_layers else None


class DenoisingAutoencoder(nn.Module):
    """Spoiled picture in, clean picture out. Vincent et al. (2008), "Extracting and Composing Robust Features".

    Its decoder also sees the encoder's feature maps, so there is no code z to sample. The encoder sees the picture and
    its logits, so that a pixel that was not spoiled can pass as it is.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Pyramid(config, 2 * config.image_shape[0])
        self.decoder = ResidualDecoder(config, joins=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return Bernoulli logits of the clean picture, (N, C, H, W), for a spoiled x of the same shape in [0, 1]."""
        nothing = x.new_zeros(x.shape[0], 0)
        seen = torch.cat([x, x.clamp(0.02, 0.98).logit()], dim=1)
        return self.decoder(nothing, nothing, *self.encoder.maps(seen, nothing))


class Classifier(nn.Module):
    """A small convolutional network that reads digits; it judges what the generative models make."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        n_in = config.image_shape[0]
        for n_out in config.widths:  # each width: one convolution that halves the size, one that keeps it
            for i, o, stride in ((n_in, n_out, 2), (n_out, n_out, 1)):
                layers += [nn.Conv2d(i, o, 3, stride=stride, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
            n_in = n_out
        self.features = nn.Sequential(*layers)
        area = math.prod(halved(side, len(config.widths)) for side in config.image_shape[1:])
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.4), nn.Linear(n_in * area, config.n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return class logits (N, n_classes) for x (N, C, H, W) in [0, 1]."""
        return self.head(self.features(x))


COLOURS = 3  # channels of a photograph


class InkFinder(nn.Module):
    """Tells of each pixel of a photograph whether it is ink of a digit, whatever its size.

    A U-net (Ronneberger, Fischer and Brox 2015) on 2x2 pixels at a time, each stage at half the size of the one before.
    What the smallest map holds on average joins it, so that every place knows of the whole picture.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        widths, block = config.widths, 2
        self.fold, self.unfold = nn.PixelUnshuffle(block), nn.PixelShuffle(block)
        self.downs = nn.ModuleList([_normed(block**2 * COLOURS, widths[0])])
        self.downs.extend(nn.Sequential(_normed(n_in, n), _normed(n, n)) for n_in, n in pairwise(widths))
        self.world = nn.Linear(widths[-1], widths[-1])
        joined = pairwise(widths)
        self.ups = nn.ModuleList(nn.Sequential(_normed(n + below, n, 1), _normed(n, n)) for n, below in joined)
        self.head = nn.Conv2d(widths[0], block**2, 1)

    @property
    def step(self) -> int:
        """What should divide both sides of a picture."""
        return 2 ** len(self.config.widths)

    def forward(self, x: Tensor) -> Tensor:
        """Return Bernoulli logits of ink, (N, 1, H, W), for colours x (N, 3, H, W), or grey (N, 1, H, W), in [0, 1].

        Both sides are even; multiples of `step` are seen best.
        """
        maps = [self.downs[0](self.fold(2 * x.expand(-1, COLOURS, -1, -1) - 1))]
        for down in self.downs[1:]:
            maps.append(down(nn.functional.max_pool2d(maps[-1], 2, ceil_mode=True)))
        h = maps.pop()
        h = h + self.world(h.mean((2, 3)))[:, :, None, None]
        for up in reversed(self.ups):
            beside = maps.pop()
            h = up(torch.cat([nn.functional.interpolate(h, size=beside.shape[2:]), beside], dim=1))
        return self.unfold(self.head(h))


def _normed(n_in: int, n_out: int, kernel: int = 3) -> nn.Sequential:
    convolution = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())


MODELS = {  # by Family.model
    "latent": CVAE,
    "denoiser": DenoisingAutoencoder,
    "classifier": Classifier,
    "ink": InkFinder,
}
AnyModel: TypeAlias = Any  # one of these; which of them config.json says, and not to a type checker


def build_model(config: ModelConfig) -> AnyModel:
    """Build the model that `config` describes, with fresh weights."""
    model: AnyModel = MODELS[config.kind.model](config)
    return model.to(memory_format=torch.channels_last)  # convolutions on a CPU run some 20 % faster so


def blueprint(config: ModelConfig) -> AnyModel:
    """Return the model that `config` describes without its numbers: what a file must hold, at no cost in memory."""
    with torch.device("meta"):
        return build_model(config)
