"""Image classification with Keras: the first subject."""
