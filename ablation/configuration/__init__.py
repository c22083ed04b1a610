"""The configuration: from words such as ``features=cumulative`` to a study. All that knows Hydra."""

import os
import sys

# Hydra then raises what goes wrong while it composes, and it can be shown in one sentence.
os.environ.setdefault("HYDRA_FULL_ERROR", "1")
# The command is `python -m ablation` from a checkout, or `ablation` from anywhere: either finds classes in the working folder.
if os.getcwd() not in sys.path:
    sys.path.insert(0, os.getcwd())

from ablation.configuration.asked import Asked
from ablation.configuration.composed import asked_in_words, command
from ablation.configuration.sentences import in_a_sentence

__all__ = ["Asked", "asked_in_words", "command", "in_a_sentence"]
