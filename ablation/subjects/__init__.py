"""Subjects that fit any training: a function of the user's, or a command."""
