"""Engine: the verbs. Plan, run what is missing, analyse."""
