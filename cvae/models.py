"""The models: an encoder, a decoder and a prior. Losses live in losses.py, the objective in training.py."""

import torch
from torch import Tensor, nn

from cvae.config import ModelConfig
from cvae.flow import CouplingFlow, FlowPrior
from cvae.gaussian import DiagonalGaussian
from cvae.networks import make_decoder, make_encoder


class VAE(nn.Module):
    """Variational autoencoder: q(z|x), p(x|z), p(z). Kingma and Welling (2014), "Auto-Encoding Variational Bayes"."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config, 2 * config.latent_dim)
        self.decoder = make_decoder(config)
        flow = (config.latent_dim, config.n_classes, config.flow_layers, config.flow_width)
        self.flow = CouplingFlow(*flow) if config.flow_layers else None

    def condition(self, c: Tensor | None, like: Tensor) -> Tensor:
        """Return the condition as (N, K) float rows for the N rows of `like`; without classes K is 0 and c is ignored."""
        return like.new_zeros(len(like), 0)

    def encode(self, x: Tensor, c: Tensor | None = None) -> DiagonalGaussian:
        """Return q(z | x, c), parameters (N, D), for x (N, C, H, W) in [0, 1]."""
        return DiagonalGaussian.from_parameters(self.encoder(x, self.condition(c, x)))

    def decode(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the parameters of p(x | z, c) for z (N, D): logits (bernoulli) or means (gaussian), (N, C, H, W)."""
        return self.decoder(z, self.condition(c, z))

    def prior(self, c: Tensor | None = None) -> DiagonalGaussian | FlowPrior:
        """Return p(z | c): a standard normal (D,), or the flow's density with one row per row of c."""
        anchor = next(self.parameters())
        if self.flow is None:
            return DiagonalGaussian.standard(self.config.latent_dim, anchor)
        return FlowPrior(self.flow, self.condition(c, anchor.new_zeros(1 if c is None else len(c), 0)))

    def pixel_means(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return E[x | z, c] in [0, 1], (N, C, H, W)."""
        out = self.decode(z, c)
        return out.sigmoid() if self.config.likelihood == "bernoulli" else out.clamp(0, 1)


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


def build_model(config: ModelConfig) -> VAE | CVAE | Classifier:
    """Build the model that `config` describes, with fresh weights."""
    model = {"vae": VAE, "cvae": CVAE, "classifier": Classifier}[config.family](config)
    return model.to(memory_format=torch.channels_last)  # convolutions on a CPU run some 20 % faster so
