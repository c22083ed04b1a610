"""Lists of layer sizes, as several networks take them."""

from ablation.errors import InputError


def check_sizes(name: str, sizes: object) -> None:
    """Raise ``InputError`` unless ``sizes`` is a list of whole numbers of at least 1."""
    given = list(sizes) if isinstance(sizes, list | tuple) else []
    if not given or any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in given):
        raise InputError(f"{name} must be a list of whole numbers of at least 1, such as [200], not {sizes}")
