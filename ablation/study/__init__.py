"""Study: the nouns. What is asked for, what a run leaves, what was found."""
