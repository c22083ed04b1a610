"""What runs, files and studies are called in MLflow.

    experiment → study (parent run) → one child run for each arm × seed

A run that finished is recognised by its key, whichever study logged it. A study that needs one from elsewhere gets a short child that
copies its numbers and links to it.
"""

KEY, COPY, STUDY = "ablation.key", "ablation.copy_of", "ablation.study"
ANALYSED = "analysed-"
"""With this begins the key of a run that was made elsewhere, and logged with its analysis."""

QUESTION, SHOWN, LOOKED = "ablation.question", "ablation.shown", "ablation.looked_at"
ARM, SEED, BEST = "ablation.arm", "ablation.seed", "ablation.best_arm"
ARM_NAME, ON, OFF = "arm", "on", "off"
"""The tag that names a run's arm for people, and what the tag of a feature says; the tag has the feature's own name."""

OWNER = "ablation.owner"
"""The tag of a run that names the process that logs it."""

CLAIM, INDEX, BRIEF = "mlflow.ablation.claim.", "mlflow.ablation.index.", "mlflow.ablation.result"
"""With the first two begin the names of a study's tags that say what a process has in hand, and which runs are finished; the third is the
tag of a run that holds its result. MLflow's pages do not show tags whose names begin so."""

PARENT, NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"

RESULT, ERROR = "result.json", "error.txt"
MODEL, WEIGHTS, FILES = "model", "network.weights.h5", "files"
FINDINGS = "findings.json"
CONFIGURATION = "config.yaml"
EFFECTS = "effects.json"
"""The table of effects, as ``mlflow.log_table`` writes one."""

TABLES = "mlflow.loggedArtifacts"
