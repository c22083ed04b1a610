"""The command ``python -m ablation.analyse``. From Python, :func:`ablation.analyse` does the same."""

import gc
import sys

from ablation.elsewhere.command import main

if __name__ == "__main__":
    # A table of a hundred thousand runs becomes as many results, all kept to the end: to search them for garbage takes a fifth of the time.
    gc.disable()
    sys.exit(main())
