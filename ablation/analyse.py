"""The command ``python -m ablation.analyse``. From Python, :func:`ablation.analyse` does the same."""

import sys

from ablation.elsewhere.command import main

if __name__ == "__main__":
    sys.exit(main())
