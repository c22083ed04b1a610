"""Data: one file a source, the split of a run, and the staging that lets workers share images."""

from ablation.images.data.crop import CentreCrop
from ablation.images.data.dataset import Dataset, Images, Source
from ablation.images.data.digits import Digits
from ablation.images.data.folder import Folder
from ablation.images.data.image_files import UnreadableError, read_images, with_channels
from ablation.images.data.keras_datasets import KerasDataset
from ablation.images.data.npz import Npz
from ablation.images.data.split import divide, held_out, limit
from ablation.images.data.sprites import Sprites
from ablation.images.data.staging import open_staged, stage

__all__ = [
    "CentreCrop",
    "Dataset",
    "Digits",
    "Folder",
    "Images",
    "KerasDataset",
    "Npz",
    "Source",
    "Sprites",
    "UnreadableError",
    "divide",
    "held_out",
    "limit",
    "open_staged",
    "read_images",
    "stage",
    "with_channels",
]
