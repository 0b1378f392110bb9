"""Encoders and decoders by configuration: dense, convolutional, residual.

Every encoder maps x (N, C, H, W) and the rows c (N, n_conditions) of a condition to (N, n_out); every decoder maps
z (N, D) and c to logits (N, C, H, W). n_conditions is 0 for a model that is not conditional.
"""

import math
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from cvae.config import ModelConfig

SPARE = 16  # components computed beyond those that are kept, which makes these exact
STEM = 8  # channels at full resolution in the residual decoder: few, because each costs 784 positions


def make_encoder(config: ModelConfig, channels: int, n_conditions: int, n_out: int) -> nn.Module:
    """Build the encoder that `config.network` names, for pictures of so many channels, with n_out outputs."""
    kinds = {"dense": DenseEncoder, "conv": ConvEncoder, "residual": ResidualEncoder}
    return kinds[config.network](config, channels, n_conditions, n_out)


def make_decoder(config: ModelConfig, n_conditions: int, joins: bool = False) -> nn.Module:
    """Build the decoder that `config.decoder` names, or else `config.network`; residual if it `joins` feature maps."""
    if joins:
        return ResidualDecoder(config, n_conditions, joins=True)
    if config.decoder:
        config = replace(config, network=config.decoder, widths=config.decoder_widths, decoder="", decoder_widths=())
    kinds = {"dense": DenseDecoder, "conv": ConvDecoder, "residual": ResidualDecoder}
    return kinds[config.network](config, n_conditions)


class Principal(nn.Module):
    """A fixed linear path: principal components of the training pictures, kept in one byte each.

    It is the best linear autoencoder (Baldi and Hornik 1989). An encoder and a decoder to which it adds have only to
    learn what bends.
    """

    components: Tensor
    spread: Tensor  # standard deviation of each over the pictures
    mean: Tensor

    def __init__(self, n_pixels: int, dims: int) -> None:
        super().__init__()
        self.register_buffer("components", torch.zeros(dims, n_pixels, dtype=torch.int8))
        self.register_buffer("spread", torch.ones(dims))
        self.register_buffer("mean", torch.zeros(n_pixels))
        # the basis as float, while nothing is trained: making it takes longer than using it
        self.kept: Tensor | None = None

    def train(self, mode: bool = True) -> "Principal":
        """Switch between training and use; in use the basis is kept."""
        self.kept = None
        if not mode:
            with torch.no_grad():
                self.kept = self.basis()
        return super().train(mode)

    def fit(self, x: Tensor) -> None:
        """Take the components from pictures x (N, C, H, W); ValueError where these, or their pixels, are too few."""
        self.kept = None
        rows, dims = x.flatten(1), len(self.spread)
        if min(rows.shape) < dims + SPARE:
            wanted = f"at least {dims + SPARE} training pictures of as many pixels"
            got = f"{rows.shape[0]} of {rows.shape[1]}"
            raise ValueError(f"a linear path of {dims} components needs {wanted}; got {got}.")
        self.mean.copy_(rows.mean(0))
        _, _, directions = torch.svd_lowrank(rows - self.mean, q=dims + SPARE, niter=4)
        kept = directions[:, :dims]  # (C H W, D)
        self.components.copy_((127 * kept / kept.abs().amax(0)).round().T)
        self.spread.copy_(((rows - self.mean) @ self.basis().T).std(0))

    def basis(self) -> Tensor:
        """Return the components, (D, C H W), each of length 1."""
        return nn.functional.normalize(self.components.to(self.mean.dtype)) if self.kept is None else self.kept

    def encode(self, x: Tensor) -> Tensor:
        """Return the whitened components (N, D) of pictures x (N, C, H, W)."""
        return (x.flatten(1) - self.mean) @ self.basis().T / self.spread

    def decode(self, z: Tensor) -> Tensor:
        """Return pictures (N, C H W) with these whitened components z (N, D)."""
        return (z * self.spread) @ self.basis() + self.mean


class RunningScale(nn.BatchNorm1d):
    """Gives each number of a code (N, D) mean 0 and variance 1 over the training pictures, by running statistics alone.

    Those of a batch would be noise in the code.
    """

    def __init__(self, dims: int) -> None:
        super().__init__(dims, eps=1e-8, affine=False)

    def forward(self, code: Tensor) -> Tensor:
        if self.training:
            super().forward(code.detach())  # for the statistics
        return nn.functional.batch_norm(code, self.running_mean, self.running_var, eps=self.eps)


def halved(side: int, times: int) -> int:
    """Return the side of a feature map after `times` convolutions of stride 2."""
    for _ in range(times):
        side = math.ceil(side / 2)
    return side


def mlp(sizes: list[int], norm: str = "none") -> nn.Sequential:
    """Return Linear layers of these sizes with ReLU between them; with norm "batch" BatchNorm1d before each ReLU."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(n_in, n_out), *([nn.BatchNorm1d(n_out)] if norm == "batch" else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class DenseEncoder(nn.Module):
    """A perceptron of the flattened picture and the condition."""

    def __init__(self, config: ModelConfig, channels: int, n_conditions: int, n_out: int) -> None:
        super().__init__()
        n_in = channels * math.prod(config.image_shape[1:]) + n_conditions
        self.net = mlp([n_in, *config.widths, n_out], config.norm)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.net(torch.cat([x.flatten(1), c], dim=1))


class DenseDecoder(nn.Module):
    """The encoder's perceptron in reverse order."""

    def __init__(self, config: ModelConfig, n_conditions: int) -> None:
        super().__init__()
        self.image_shape = config.image_shape
        sizes = [config.latent_dim + n_conditions, *reversed(config.widths), math.prod(config.image_shape)]
        self.net = mlp(sizes, config.norm)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        return self.net(torch.cat([z, c], dim=1)).view(-1, *self.image_shape)


class ConvEncoder(nn.Module):
    """Conv2d of stride 2, BatchNorm2d, ReLU for each width; the condition joins as constant planes of the picture."""

    def __init__(self, config: ModelConfig, channels: int, n_conditions: int, n_out: int) -> None:
        super().__init__()
        _, height, width = config.image_shape
        stages: list[nn.Module] = []
        n_in = channels + n_conditions
        for n in config.widths:
            convolution = nn.Conv2d(n_in, n, config.kernel, stride=2, padding=config.kernel // 2)
            stages += [convolution, nn.BatchNorm2d(n), nn.ReLU()]
            n_in = n
        self.features = nn.Sequential(*stages)
        area = halved(height, len(config.widths)) * halved(width, len(config.widths))
        self.head = nn.Linear(n_in * area, n_out)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        planes = c[:, :, None, None].expand(-1, -1, *x.shape[2:])  # (N, K, H, W)
        return self.head(self.features(torch.cat([x, planes], dim=1)).flatten(1))


class ConvDecoder(nn.Module):
    """The way back: a Linear layer to the smallest feature map, then ConvTranspose2d, BatchNorm2d, ReLU."""

    def __init__(self, config: ModelConfig, n_conditions: int) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        widths = config.widths
        sides = [(halved(height, i), halved(width, i)) for i in range(len(widths), -1, -1)]  # smallest first
        self.start = (widths[-1], *sides[0])
        self.head = nn.Linear(config.latent_dim + n_conditions, math.prod(self.start))
        stages: list[nn.Module] = [nn.BatchNorm2d(widths[-1]), nn.ReLU()]
        outs = [*reversed(widths[:-1]), channels]
        for n_in, n_out, (small, large) in zip(reversed(widths), outs, pairwise(sides), strict=True):
            # 1 where the side doubles, 0 where 2 n - 1
            even = (large[0] - 2 * small[0] + 1, large[1] - 2 * small[1] + 1)
            stages += [nn.ConvTranspose2d(n_in, n_out, 3, stride=2, padding=1, output_padding=even)]
            stages += [nn.BatchNorm2d(n_out), nn.ReLU()]
        self.features = nn.Sequential(*stages[:-2])

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        h = self.head(torch.cat([z, c], dim=1)).view(-1, *self.start)  # (N, widths[-1], h, w)
        return self.features(h)


class ResidualBlock(nn.Module):
    """h + conv(silu(conv(silu(h + W c)))), starting as the identity, so that it needs no normalisation.

    He et al. (2016), "Identity Mappings in Deep Residual Networks"; the start: Zhang, Dauphin and Ma (2019), "Fixup".
    """

    def __init__(self, channels: int, n_conditions: int) -> None:
        super().__init__()
        self.bias = nn.Linear(n_conditions, channels, bias=False) if n_conditions else None
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        shifted = h if self.bias is None else h + self.bias(c)[:, :, None, None]
        return h + self.second(nn.functional.silu(self.first(nn.functional.silu(shifted))))


class ResidualStage(nn.ModuleList):
    """So many residual blocks, one after the other, that keep the number of channels and the size."""

    def __init__(self, channels: int, n_blocks: int, n_conditions: int) -> None:
        super().__init__(ResidualBlock(channels, n_conditions) for _ in range(n_blocks))

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        for block in self:
            h = block(h, c)
        return h


class Pyramid(nn.Module):
    """Residual stages at 1/2, 1/4, ... of the size; a space-to-depth step makes the first stage cheap.

    Where config.fold is 1 that step is left out and the stages are at 1, 1/2, ... of the size.
    """

    def __init__(self, config: ModelConfig, channels: int, n_conditions: int = 0) -> None:
        super().__init__()
        self.fold = nn.PixelUnshuffle(config.fold)
        self.downs = nn.ModuleList([nn.Conv2d(config.fold**2 * channels, config.widths[0], 3, padding=1)])
        for n_in, n_out in pairwise(config.widths):
            self.downs.append(nn.Conv2d(n_in, n_out, 3, stride=2, padding=1))
        sizes = zip(config.widths, config.blocks, strict=True)
        self.stages = nn.ModuleList(ResidualStage(n, k, n_conditions) for n, k in sizes)

    def maps(self, x: Tensor, c: Tensor) -> list[Tensor]:
        """Return the feature map after each stage, (N, widths[i], H/2^(i+1), W/2^(i+1)); with fold 1 twice the size."""
        h, maps = self.fold(x), []  # (N, 4 C, H/2, W/2)
        for down, stage in zip(self.downs, self.stages, strict=True):
            h = stage(down(h), c)
            maps.append(h)
        return maps


class ResidualEncoder(Pyramid):
    """A pyramid and a Linear layer on its smallest feature map."""

    def __init__(self, config: ModelConfig, channels: int, n_conditions: int, n_out: int) -> None:
        super().__init__(config, channels, n_conditions)
        _, height, width = config.image_shape
        area = height * width // smallest(config) ** 2
        self.head = nn.Linear(config.widths[-1] * area, n_out)
        with torch.no_grad():
            self.head.weight.mul_(0.1)  # posteriors start close to the prior

    def summary(self, smallest: Tensor) -> Tensor:
        """Return the outputs (N, n_out) for the last of the feature maps."""
        return self.head(nn.functional.silu(smallest).flatten(1))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.summary(self.maps(x, c)[-1])


class ResidualDecoder(nn.Module):
    """The pyramid in reverse; each doubling of the size is a depth-to-space step.

    With `joins` it also takes the feature maps of a pyramid of the same widths and adds each where its size fits, as a
    U-net does (Ronneberger, Fischer and Brox 2015). With latent_dim 0 they are all it starts from.
    """

    def __init__(self, config: ModelConfig, n_conditions: int = 0, joins: bool = False) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        widths = config.widths
        self.start = (widths[-1], height // smallest(config), width // smallest(config))
        n_in = config.latent_dim + n_conditions
        self.head = nn.Linear(n_in, math.prod(self.start)) if n_in else None
        self.joins = nn.ModuleList(nn.Conv2d(n, n, 1) for n in reversed(widths)) if joins else None
        sizes = zip(reversed(widths), reversed(config.blocks), strict=True)
        self.stages = nn.ModuleList(ResidualStage(n, k, n_conditions) for n, k in sizes)
        self.ups = nn.ModuleList()
        for n_in, n_out in pairwise(reversed(widths)):
            self.ups.append(nn.Sequential(nn.Conv2d(n_in, 4 * n_out, 1), nn.PixelShuffle(2)))
        up: list[nn.Module] = []  # to the full size
        if config.fold == 2:
            up = [nn.Conv2d(widths[0], 4 * STEM, 3, padding=1), nn.PixelShuffle(2), nn.SiLU()]
        last = nn.Conv2d(STEM if up else widths[0], channels, 3, padding=1)
        self.tail = nn.Sequential(nn.SiLU(), *up, last)

    def forward(self, z: Tensor, c: Tensor, *maps: Tensor) -> Tensor:
        h = 0 if self.head is None else self.head(torch.cat([z, c], dim=1)).view(-1, *self.start)  # the smallest map
        for i, stage in enumerate(self.stages):
            if i:
                h = self.ups[i - 1](h)  # twice the size, the next width
            if self.joins:
                h = h + self.joins[i](maps[-1 - i])
            h = stage(h, c)
        return self.tail(h)  # (N, C, H, W)


def smallest(config: ModelConfig) -> int:
    """Return how many times smaller than the picture the smallest feature map of a residual network is, per side."""
    return config.fold * 2 ** (len(config.widths) - 1)
