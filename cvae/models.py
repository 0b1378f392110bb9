"""The models: an encoder, a decoder and a prior. Losses live in losses.py, the objective in training.py."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from cvae.config import ModelConfig
from cvae.flow import CouplingFlow, FlowPosterior, FlowPrior
from cvae.gaussian import DiagonalGaussian, Point
from cvae.networks import Principal, Pyramid, ResidualDecoder, make_decoder, make_encoder


class VAE(nn.Module):
    """Variational autoencoder: q(z|x), p(x|z), p(z). Kingma and Welling (2014), "Auto-Encoding Variational Bayes"."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config, 2 * config.latent_dim)
        self.decoder = make_decoder(config)
        flow = (config.latent_dim, config.n_classes, config.flow_layers, config.flow_width)
        self.flow = CouplingFlow(*flow) if config.flow_layers else None
        self.posterior_flow = _posterior_flow(config)
        self.principal = _principal(config)

    @torch.no_grad()
    def start_linear(self, x: Tensor) -> None:
        """Fit the linear path to pictures x (N, C, H, W), and start the networks beside it at zero.

        So training sets out from the best linear autoencoder (Baldi and Hornik 1989), whose code is the whitened components.
        """
        self.principal.fit(x)
        for part in (self.encoder, self.decoder):
            last = [m for m in part.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)][-1]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def condition(self, c: Tensor | None, like: Tensor) -> Tensor:
        """Return the condition as (N, K) float rows for the N rows of `like`; without classes K is 0 and c is ignored."""
        return like.new_zeros(like.shape[0], 0)

    def visible(self, c: Tensor | None) -> Tensor | None:
        """Return which pixels the condition c tells, bool (N, 1, H, W); None where a condition tells no pixels."""
        return None

    def encode(self, x: Tensor, c: Tensor | None = None) -> DiagonalGaussian | FlowPosterior:
        """Return q(z | x, c), one row per row of x (N, C, H, W) in [0, 1]."""
        return self._posterior(self._encoded(x, c))

    def _encoded(self, x: Tensor, c: Tensor | None) -> Tensor:
        told = self.condition(c, x)
        out = self.encoder(x, told[:, :0] if self.config.label_in == "decoder" else told)
        if self.principal is None:
            return out
        code = self.principal.encode(x)
        return out + nn.functional.pad(code, (0, out.shape[1] - code.shape[1]))  # a VAE's encoder gives log-variances too

    def _posterior(self, parameters: Tensor) -> DiagonalGaussian | FlowPosterior:
        base = DiagonalGaussian.from_parameters(parameters)
        return base if self.posterior_flow is None else FlowPosterior(self.posterior_flow, base)

    def decode(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the parameters of p(x | z, c) for z (N, D): logits (bernoulli) or means (gaussian), (N, C, H, W)."""
        out = self.decoder(z, self.condition(c, z))
        return out if self.principal is None else out + self.principal.decode(z).view_as(out)

    def prior(self, c: Tensor | None = None) -> DiagonalGaussian | FlowPrior:
        """Return p(z | c): a standard normal (D,), or the flow's density with one row per row of c."""
        anchor = next(self.parameters())
        if self.flow is None:
            return DiagonalGaussian.standard(self.config.latent_dim, anchor)
        return FlowPrior(self.flow, self.condition(c, anchor.new_zeros(1 if c is None else c.shape[0], 0)))

    def pixel_means(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return E[x | z, c] in [0, 1], (N, C, H, W)."""
        out = self.decode(z, c)
        return out.sigmoid() if self.config.likelihood == "bernoulli" else out.clamp(0, 1)


class Autoencoder(VAE):
    """Plain autoencoder: a code, no distribution. Hinton and Salakhutdinov (2006), "Reducing the Dimensionality of Data".

    Its posterior is a Point, without a KL. Over the training pictures each number of the code has mean 0 and variance 1,
    by the running statistics of a BatchNorm1d, but nothing makes the code as a whole a standard normal. That stands in for the prior it lacks,
    so that every task works; sampled from it, many pictures are poor, which is why there are variational autoencoders.
    """

    def __init__(self, config: ModelConfig) -> None:
        nn.Module.__init__(self)  # its encoder gives half as many numbers as that of a VAE
        self.config = config
        self.encoder = make_encoder(config, config.latent_dim)
        self.scale = nn.BatchNorm1d(config.latent_dim, eps=1e-8, affine=False)
        self.decoder = make_decoder(config)
        self.flow = self.posterior_flow = None
        self.principal = _principal(config)

    def encode(self, x: Tensor, c: Tensor | None = None) -> Point:
        """Return the code of each row of x (N, C, H, W) in [0, 1]."""
        code = self._encoded(x, c)
        if self.training:
            self.scale(code.detach())  # only its running statistics: those of a batch would be noise in the code
        running = self.scale.running_mean, self.scale.running_var
        return Point(nn.functional.batch_norm(code, *running, eps=self.scale.eps))


class CVAE(VAE):
    """Conditional VAE: everything given a label c. Sohn, Lee and Yan (2015), "Learning Structured Output Representation".

    c is int64 labels (N,) or float rows (N, n_classes), so that a mixture of labels can be decoded too.
    """

    def condition(self, c: Tensor | None, like: Tensor) -> Tensor:
        """Return c as one-hot rows (N, n_classes); ValueError if it is missing or a label is out of range."""
        n = self.config.n_classes
        if c is None:
            raise ValueError(f"a conditional model needs a label from 0 to {n - 1} for every row; got none.")
        if c.dim() == 2:
            return c
        try:
            return nn.functional.one_hot(c, n).to(like.dtype)
        except RuntimeError as error:
            raise ValueError(f"labels must be whole numbers from 0 to {n - 1}; got {c.tolist()[:5]}.") from error


class InpaintingCVAE(VAE):
    """Conditional VAE given the visible pixels: it completes the hidden ones. Sohn, Lee and Yan (2015), section 4.

    Three networks: prior p(z | visible, mask), recognition q(z | full, mask) and generation p(x | z, visible, mask).
    The condition c is cat(x * visible, visible), (N, C + 1, H, W). `condition` lets the prior network look at it once;
    all it saw is kept in rows (N, K), which every method takes in the place of c. Generation sees the feature maps of
    the prior network, so nothing about the visible pixels need pass through z.
    """

    def __init__(self, config: ModelConfig) -> None:
        nn.Module.__init__(self)  # its networks are not those of a VAE
        self.config = config
        channels, height, width = config.image_shape
        seen = replace(config, image_shape=(channels + 1, height, width))
        self.prior_network = make_encoder(seen, config.flow_width)
        self.encoder = make_encoder(seen, 2 * config.latent_dim)
        self.decoder = ResidualDecoder(config, joins=True)
        self.flow = CouplingFlow(config.latent_dim, config.flow_width, config.flow_layers, config.flow_width)
        self.posterior_flow = _posterior_flow(config)
        maps = [(w, height // (config.fold * 2**i), width // (config.fold * 2**i)) for i, w in enumerate(config.widths)]
        self.parts = [(channels + 1, height, width), *maps, (config.flow_width,)]  # what a row of `condition` holds

    def condition(self, c: Tensor | None, like: Tensor) -> Tensor:
        """Return rows (N, K) of all that the prior network makes of c (N, C + 1, H, W); rows come back as they are.

        ValueError if c is missing or of another shape.
        """
        if c is not None and c.dim() == 2:
            return c
        if c is None or c.shape[1:] != self.parts[0]:
            wanted = " x ".join(map(str, self.parts[0]))
            raise ValueError(f"an inpainting model needs cat(x * visible, visible), N x {wanted}; got {_shape(c)}.")
        return self._told(c)

    def _told(self, c: Tensor) -> Tensor:
        maps = self.prior_network.maps(c, c.new_zeros(c.shape[0], 0))
        return torch.cat([part.flatten(1) for part in (c, *maps, self.prior_network.summary(maps[-1]))], dim=1)

    def visible(self, c: Tensor | None) -> Tensor:
        """Return the mask that c holds, bool (N, 1, H, W)."""
        return self._pixels(c)[:, -1:] > 0.5

    def encode(self, x: Tensor, c: Tensor | None = None) -> DiagonalGaussian | FlowPosterior:
        """Return q(z | x, mask), one row per row of the full x (N, C, H, W); only the mask of c is looked at."""
        full = torch.cat([x, self.visible(c).to(x.dtype)], dim=1)
        return self._posterior(self.encoder(full, x.new_zeros(x.shape[0], 0)))

    def decode(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return logits or means for all pixels, (N, C, H, W); those of visible pixels mean nothing."""
        rows = self.condition(c, z)
        _, *maps, _ = self._split(rows)
        return self.decoder(z, z.new_zeros(z.shape[0], 0), maps)

    def prior(self, c: Tensor | None = None) -> FlowPrior:
        """Return p(z | visible, mask), one row per row of c."""
        return FlowPrior(self.flow, self._split(self.condition(c, c))[-1])

    def pixel_means(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return E[x | z, c] in [0, 1], (N, C, H, W), with the visible pixels copied through."""
        means = super().pixel_means(z, c)
        return torch.where(self.visible(c), self._pixels(c)[:, :-1], means)

    def _pixels(self, c: Tensor) -> Tensor:
        return c if c is not None and c.dim() == 4 else self._split(self.condition(c, c))[0]

    def _split(self, rows: Tensor) -> list[Tensor]:
        pieces = rows.split([math.prod(shape) for shape in self.parts], dim=1)
        return [piece.view(-1, *shape) for piece, shape in zip(pieces, self.parts, strict=True)]


class DenseInpaintingCVAE(InpaintingCVAE):
    """The same, fully connected, as tutorials build it: visible pixels and mask enter encoder and decoder as one long row.

    Its prior is a standard normal that sees nothing, so all that the visible pixels say must reach the decoder directly.
    """

    def __init__(self, config: ModelConfig) -> None:
        nn.Module.__init__(self)
        self.config = config
        channels, height, width = config.image_shape
        self.parts = [(channels + 1, height, width)]
        told = replace(config, n_classes=math.prod(self.parts[0]))
        self.encoder = make_encoder(told, 2 * config.latent_dim)
        self.decoder = make_decoder(told)
        self.flow = self.posterior_flow = self.principal = None

    def _told(self, c: Tensor) -> Tensor:
        return c.flatten(1)

    encode, decode, prior = VAE.encode, VAE.decode, VAE.prior


def _principal(config: ModelConfig) -> Principal | None:
    return Principal(math.prod(config.image_shape), config.latent_dim) if config.linear else None


def _posterior_flow(config: ModelConfig) -> CouplingFlow | None:
    """Return the flow that bends the posterior, told the mean and log-variance of its base; None without such layers."""
    flow = (config.latent_dim, 2 * config.latent_dim, config.posterior_flow_layers, config.flow_width)
    return CouplingFlow(*flow) if config.posterior_flow_layers else None


def _shape(c: Tensor | None) -> str:
    return "none" if c is None else " x ".join(map(str, c.shape))


class DenoisingAutoencoder(nn.Module):
    """Spoiled picture in, clean picture out. Vincent et al. (2008), "Extracting and Composing Robust Features".

    Its decoder also sees the encoder's feature maps, so there is no code z to sample. The encoder sees the picture and
    its logits, so that a pixel that was not spoiled can pass as it is.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        channels, height, width = config.image_shape
        self.encoder = Pyramid(replace(config, image_shape=(2 * channels, height, width)))
        self.decoder = ResidualDecoder(config, joins=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return Bernoulli logits of the clean picture, (N, C, H, W), for a spoiled x of the same shape in [0, 1]."""
        nothing = x.new_zeros(x.shape[0], 0)
        seen = torch.cat([x, x.clamp(0.02, 0.98).logit()], dim=1)
        return self.decoder(nothing, nothing, self.encoder.maps(seen, nothing))


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
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.4), nn.LazyLinear(config.n_classes))
        with torch.no_grad():
            self.eval()(torch.zeros(1, *config.image_shape))  # fixes the lazy layer's size
        self.train()

    def forward(self, x: Tensor) -> Tensor:
        """Return class logits (N, n_classes) for x (N, C, H, W) in [0, 1]."""
        return self.head(self.features(x))


MODELS = {
    "autoencoder": Autoencoder,
    "vae": VAE,
    "cvae": CVAE,
    "inpainting": InpaintingCVAE,
    "denoising": DenoisingAutoencoder,
    "classifier": Classifier,
}


def build_model(config: ModelConfig) -> nn.Module:
    """Build the model that `config` describes, with fresh weights."""
    kind = MODELS[config.family]
    model = (DenseInpaintingCVAE if kind is InpaintingCVAE and config.network == "dense" else kind)(config)
    return model.to(memory_format=torch.channels_last)  # convolutions on a CPU run some 20 % faster so
