"""The steps of an epoch as a CUDA graph.

A step of a small network is over sooner than a processor has launched its hundreds of kernels; a graph launches them all
at once. So all that a step needs lies on the card before: the pictures, the order of the batches, the schedule and the
average of the weights; random numbers are drawn there.
"""

import time
from itertools import chain

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from cvae import data, schedule
from cvae.config import Preset
from cvae.data import ImageSet
from cvae.families import LABEL
from cvae.schedule import Stage

WARM_UP = 3  # steps before a capture, in which libraries choose their kernels and set their memory aside


def fits(preset: Preset, stage: Stage, fabric: Fabric) -> bool:
    """Tell whether steps of a stage can be captured: on one CUDA device, with nothing that waits for the processor."""
    waits = preset.data.shift or preset.data.blur or stage.refines or fabric.strategy.precision.precision == "16-mixed"
    alone = fabric.device.type == "cuda" and fabric.world_size == 1
    return alone and preset.model.kind.given in ("", LABEL) and not waits  # all else that a model is given is drawn on the processor


class Steps:
    """The steps of one stage; `objective` and `optimizer` as Fabric has set them up, `average` the averaged model."""

    def __init__(
        self, preset: Preset, stage: Stage, train: ImageSet, fabric: Fabric, objective, optimizer, average: nn.Module
    ) -> None:
        self.preset, self.stage, self.fabric = preset, stage, fabric
        self.objective, self.optimizer = objective, optimizer
        self.n, self.count = len(train), schedule.steps(len(train), preset.train)
        self.images, self.labels = (part.to(fabric.device) for part in (train.images, train.labels))
        self.generator = torch.Generator(fabric.device)
        self.graph: torch.cuda.CUDAGraph | None = None
        on_device = {"device": fabric.device}
        self.rows = torch.zeros(self.count, min(preset.train.batch_size, self.n), dtype=torch.int64, **on_device)
        self.plan = torch.zeros(self.count, 4, **on_device)  # of each step: rate, beta, movement, forgetting
        self.place = torch.zeros(1, dtype=torch.int64, **on_device)  # the step within the epoch
        self.sums = torch.zeros(4, **on_device)  # of nll, KL and pictures, and of the norms of the gradient
        self.rate = torch.zeros((), **on_device)
        model = list(_tensors(objective.module.model))
        pairs = list(zip(_tensors(average), model, strict=True))
        self.pairs = [pair for pair in pairs if pair[0].is_floating_point()]  # (average, model)
        self.counters = [pair for pair in pairs if not pair[0].is_floating_point()]
        for group in optimizer.param_groups:
            group.update(lr=self.rate, capturable=fabric.device.type == "cuda")

    def epoch(self, epoch: int, bar: tqdm) -> tuple[Tensor, float, float]:
        """Take the steps of an epoch; returns the sums of nll, KL and pictures (3,), the last beta and the seconds taken.

        RuntimeError where a gradient was no number, as of a loop that looks at each.
        """
        started, config = time.perf_counter(), self.preset.train
        self.prepare(epoch)
        if self.graph is None and self.fabric.device.type == "cuda":
            self._capture()
            self.prepare(epoch)  # again, since a captured step was taken and drew its numbers
        for _ in range(self.count):
            self.graph.replay() if self.graph else self.step()
            bar.update()
        if not self.sums[3].isfinite():
            raise RuntimeError(f"a gradient of epoch {epoch + 1} is non-finite and cannot be clipped; try a smaller --lr.")
        beta = schedule.beta(config, (epoch + 1) * self.count - 1, self.count)
        return self.sums[:3].clone(), beta, round(time.perf_counter() - started, 2)

    def prepare(self, epoch: int) -> None:
        """Lay out the batches and the schedule of an epoch, and start its random numbers, by seed and epoch alone."""
        config = self.preset.train
        self.rows.copy_(torch.stack(schedule.batches(self.n, epoch, config)))
        self.plan.copy_(torch.tensor([self._moment(epoch, i) for i in range(self.count)]))
        self.place.zero_()
        self.sums.zero_()
        self.generator.manual_seed((config.seed * 1_000_003 + epoch) % 2**63)

    def _moment(self, epoch: int, i: int) -> tuple[float, float, float, float]:
        config, step = self.preset.train, epoch * self.count + i
        rate = schedule.rate(self.stage, config.warmup, step / self.count)
        return (
            rate,
            schedule.beta(config, step, self.count),
            schedule.movement(config, self.stage, step / self.count),
            schedule.forgetting(config, step, i, self.count),
        )

    def step(self) -> None:
        """Take one step. Nothing in it waits for the processor or depends on it: this is what the graph holds."""
        rate, beta, movement, forgetting = self.plan.index_select(0, self.place)[0].unbind()
        self.rate.copy_(rate)
        loss, nll, kl = self.objective(*self.draw(self.rows.index_select(0, self.place)[0], movement), beta)
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        clip = self.preset.train.clip
        norm = self.fabric.clip_gradients(self.objective, self.optimizer, max_norm=clip, error_if_nonfinite=False)
        self.optimizer.step()
        self._average(forgetting)
        self.sums += torch.stack([nll.sum(), kl.sum(), torch.full_like(norm, len(kl)), norm]).detach()
        self.place += 1

    def draw(self, rows: Tensor, movement: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return x, the labels and noise (K, B, D) for these rows of the pictures."""
        x = self.images.index_select(0, rows).float().div_(255)
        x = data.varied(x, self.preset.data, 0.0 if self.stage.prior_only else movement, self.generator)
        shape = schedule.samples(self.preset.train, self.stage), len(rows), self.preset.model.latent_dim
        return x, self.labels.index_select(0, rows), torch.randn(shape, generator=self.generator, device=x.device)

    @torch.no_grad()
    def _average(self, share: Tensor) -> None:
        means, values = zip(*self.pairs)
        ways = torch._foreach_sub(values, means)
        torch._foreach_mul_(ways, share)
        torch._foreach_add_(means, ways)
        for mean, value in self.counters:
            mean.copy_(value)

    def _capture(self) -> None:
        """Record a step, and leave weights, averages and moments as they were before."""
        fresh, kept = not self.optimizer.state, [(t, t.detach().clone()) for t in self._state()]
        usual = torch.backends.cudnn.deterministic
        torch.backends.cudnn.deterministic = True  # kernels that give the same result each time
        try:
            self.graph = self._recorded()
        finally:
            torch.backends.cudnn.deterministic = usual
        with torch.no_grad():
            for tensor, value in kept:
                tensor.copy_(value)
            for state in self.optimizer.state.values() if fresh else ():
                for moment in state.values():
                    moment.zero_()

    def _recorded(self) -> torch.cuda.CUDAGraph:
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        graph.register_generator_state(self.generator)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.place.zero_()
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):  # other threads may use the card
            self.step()
        return graph

    def _state(self) -> chain[Tensor]:
        weights = chain.from_iterable(self.pairs + self.counters)
        moments = chain.from_iterable(state.values() for state in self.optimizer.state.values())
        return chain(weights, moments)


def _tensors(model: nn.Module) -> chain[Tensor]:
    return chain(model.parameters(), model.buffers())
