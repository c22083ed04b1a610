"""Training: (recipe, images, seed) → history and score. The only part of the package that trains."""
