"""Drawing: what the pictures share, from measured text to the page around a plot."""
