"""The same arms in plain PyTorch, as one who knows it writes them: channels last, fused Adam, data on the device; eager and compiled.

Network, batches, pairs and warps are those that our own loop draws.
"""

import math
import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ablation.images.data import Images
from ablation.images.training.program import Program

STAGES = 3
DROPOUT = 0.2


class Convolution(nn.Module):
    """A convolution, batch normalisation where the arm has it, and a ReLU unless the caller adds to it first."""

    def __init__(self, into: int, out: int, size: int, normalise: bool, **options: Any) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(into, out, size, **options)
        self.normalise = nn.BatchNorm2d(out, eps=1e-3, momentum=0.01) if normalise else nn.Identity()

    def forward(self, x: torch.Tensor, skip: torch.Tensor | None = None) -> torch.Tensor:
        x = self.convolve(x)
        return functional.relu(self.normalise(x if skip is None else x + skip))


class Network(nn.Module):
    """The base network with an arm's features, images (batch, 3, 32, 32) in [0, 1] → logits."""

    def __init__(self, arm: Collection[str], width: int, side: int, classes: int) -> None:
        super().__init__()
        normalise, self.residual, self.pool = "batch_norm" in arm, "residual" in arm, "gap" in arm
        self.stem = Convolution(3, width, 1, normalise)
        self.stages, self.drop = nn.ModuleList(), nn.Dropout(DROPOUT if "dropout" in arm else 0.0)
        into = width
        for stage in range(STAGES):
            out = width * 2**stage
            inner = into if self.residual else out
            parts = [Convolution(into, inner, 3, normalise, padding=1), Convolution(inner, inner, 3, normalise, padding=1)]
            self.stages.append(nn.ModuleList([*parts, Convolution(inner, out, 3, normalise, stride=2)]))
            into, side = out, (side - 1) // 2
        self.logits = nn.Linear(into if self.pool else into * side**2, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for first, second, down in self.stages:
            x = self.drop(down(second(first(x), x if self.residual else None)))
        return self.logits(x.mean((2, 3)) if self.pool else x.flatten(1))


class Trainer:
    """Trains an arm on what ``program`` draws.

    Args:
        compiled: whether PyTorch compiles the step's forward and backward pass.
    """

    def __init__(self, program: Program, arm: Collection[str], width: int, images: Images, precision: str, compiled: bool) -> None:
        network = Network(arm, width, images.x.shape[1], program.classes).to(memory_format=torch.channels_last)
        weights = sum(each.numel() for each in network.parameters())
        ours = sum(math.prod(each.shape) for each in program.network.trainable_weights)
        if weights != ours:
            raise RuntimeError(f"the plain PyTorch network has {weights} weights, ours {ours}: they are not the same network")
        self._program, self._images, self._epochs = program, images, iter(range(1_000_000))
        self._precision = torch.bfloat16 if precision == "bfloat16" else None
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        network.to(self._device)
        self._pixels = self._placed(np.array(images.x)).permute(0, 3, 1, 2)
        amsgrad = "amsgrad" in arm
        self._adam = torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7, amsgrad=amsgrad, fused=True)
        self._network = network
        self._loss: Callable[..., torch.Tensor] = torch.compile(self._forward) if compiled else self._forward

    def epoch(self) -> float:
        """Train one epoch; return its seconds."""
        began = time.perf_counter()
        draws = self._program.draw(self._images, 0, next(self._epochs))
        batch, total = self._program.batch_size, torch.zeros((), device=self._device)
        warps = draws.augmentations[0] if draws.augmentations else None
        arrays = [self._placed(each) for each in (draws.own, draws.targets, draws.partners, draws.mixing, warps)]
        for start in range(0, len(draws.own), batch):
            part = slice(start, start + batch)
            loss = self._loss(*(None if each is None else each[part] for each in arrays))
            self._adam.zero_grad(set_to_none=True)
            loss.backward()
            self._adam.step()
            total += loss.detach()
        float(total)
        return time.perf_counter() - began

    def _placed(self, array: Any) -> Any:
        return None if array is None else torch.from_numpy(array).to(self._device)

    def _forward(self, own: Any, targets: Any, partners: Any, weights: Any, warps: Any) -> torch.Tensor:
        images = self._pixels[own].float() / 255
        if partners is not None:
            share = weights.view(-1, 1, 1, 1)
            images = share * images + (1 - share) * (self._pixels[partners].float() / 255)
        if warps is not None:
            images = functional.grid_sample(images, _grid(warps, images.shape[-1]), padding_mode="border", align_corners=True)
        with torch.autocast(self._device, self._precision, enabled=self._precision is not None):
            logits = self._network(images.contiguous(memory_format=torch.channels_last))
        return functional.cross_entropy(logits.float(), targets)


def _grid(warps: torch.Tensor, side: int) -> torch.Tensor:
    """Return where each pixel of square images comes from, in [−1, 1], from maps in pixels."""
    x = torch.arange(side, dtype=torch.float32, device=warps.device)
    across, down = x.view(1, 1, -1), x.view(1, -1, 1)
    maps = warps.view(-1, 8, 1, 1)
    where = [maps[:, row] * across + maps[:, row + 1] * down + maps[:, row + 2] for row in (0, 3)]
    return torch.stack(where, -1) * (2 / (side - 1)) - 1
