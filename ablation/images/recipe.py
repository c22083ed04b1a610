"""The recipe: the frozen description of one training, as slots that features fill and models and training read.

A feature never switches code on with a flag. It puts something into a slot: a layer to build, numbers to draw, an optimiser
option. An empty slot means that the technique is absent. Slots marked with ``network`` are read by models, and a
feature may fill them only if the model declares that it honours them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from ablation.images.slots import (
    AfterBlock,
    Augmentation,
    Averaging,
    Block,
    Branch,
    Filters,
    InitializerFactory,
    LayerFactory,
    Loss,
    Mixing,
    NetworkChange,
    Optimizer,
    Order,
    Transformation,
)


def _network(needs: str) -> dict[str, str]:
    return {"network": needs}


@dataclass(frozen=True)
class Recipe:
    """What fills each slot of network, data and optimiser.

    Attributes:
        normalization: makes the layer after each convolution, before its activation.
        block: builds the blocks of a network in place of its own, or of pairs of convolutions.
        filters: how many channels a block makes; empty means as many as the network says.
        after_block: what follows each block, in order; on its residual branch where it has one.
        branch: what becomes of each residual branch before it is added to its skip.
        activation: makes the layer after each normalised convolution and hidden dense layer; empty means ReLU.
        pooling: makes the layer that turns the last feature maps into a vector; empty means flatten.
        dropout: rate of the dropout after each stage; 0 means none.
        scaling: makes the first layer of the network, which scales pixels; empty leaves them in [0, 1].
        initializer: makes what kernels are drawn from; empty means what each layer declares.
        network: changes of the whole network once it is built, in order.
        order: in which an epoch takes the images; empty means that it is drawn anew for each epoch.
        mixing: how images and labels are mixed in pairs.
        augmentations: random changes of the (mixed) training images, in order.
        targets: changes of the (mixed) one-hot labels that the loss uses in training, ``(n, classes) → (n, classes)``, in order.
        loss: what training minimises; empty means cross-entropy, in which validation always counts.
        gradients: changes of the gradients before the optimiser gets them, in order.
        optimizer: the optimiser that takes the steps.
        averaging: how weights are averaged over the steps; the averages are validated and kept. Empty means that the last weights are.
        streams: names that are part of the key of all random numbers of an epoch: other names give other numbers, and change nothing else.
    """

    normalization: LayerFactory | None = field(default=None, metadata=_network("layers left to normalise"))
    block: Block | None = field(default=None, metadata=_network("convolution blocks"))
    filters: Filters | None = field(default=None, metadata=_network("blocks whose channels may change"))
    after_block: tuple[AfterBlock, ...] = field(default=(), metadata=_network("convolution blocks to follow"))
    branch: Branch | None = field(default=None, metadata=_network("residual branches of its own"))
    activation: LayerFactory | None = field(default=None, metadata=_network("activations to replace"))
    pooling: LayerFactory | None = field(default=None, metadata=_network("feature maps left to pool"))
    dropout: float = field(default=0.0, metadata=_network("place for dropout"))
    scaling: LayerFactory | None = field(default=None, metadata=_network("scaling of pixels but its own"))
    initializer: InitializerFactory | None = None
    network: tuple[NetworkChange, ...] = ()
    order: Order | None = None
    mixing: Mixing | None = None
    augmentations: tuple[Augmentation, ...] = ()
    targets: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
    loss: Loss | None = None
    gradients: tuple[Transformation, ...] = ()
    optimizer: Optimizer = field(default_factory=Optimizer)
    averaging: Averaging | None = None
    streams: tuple[str, ...] = ()


NETWORK_SLOTS: Mapping[str, str] = {each.name: each.metadata["network"] for each in fields(Recipe) if "network" in each.metadata}
"""The slots that models read, each with what a network needs for it."""


def filled(before: Recipe, after: Recipe) -> list[str]:
    """Return the names of the slots in which two recipes differ."""
    return [each.name for each in fields(Recipe) if getattr(before, each.name) != getattr(after, each.name)]
