"""Data: one small file a source, the split of a run, and the staging that lets workers share images."""

from ablation.data.dataset import Dataset, Images, Source
from ablation.data.digits import Digits
from ablation.data.folder import Folder
from ablation.data.image_files import UnreadableError, read_images, with_channels
from ablation.data.keras_datasets import KerasDataset
from ablation.data.npz import Npz
from ablation.data.split import divide, held_out, limit
from ablation.data.sprites import Sprites
from ablation.data.staging import open_staged, stage

__all__ = [
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
