"""Which technique earned the accuracy? Ablation studies of image classifiers."""
