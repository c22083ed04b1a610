"""A study against a tracking server on PostgreSQL that hands out its files itself and asks for a password, by two users at once.

    python tests/postgres.py

It needs PostgreSQL (on Debian ``apt-get install postgresql``) and the packages ``psycopg2`` and ``Flask-WTF``, and says so where they are
not there. Everything is on loopback and in a folder that goes again.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from served import ask, free_port, scores, shown, start_server, start_study, statuses, stop_server, write_function

PORT, DATABASE_PORT = free_port(), free_port()
ADMIN, PASSWORD = "admin", "a-password-of-the-admin"
USERS = {"ada": "a-password-of-ada", "max": "a-password-of-max"}


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = shutil.which("initdb")
    return known[0].parent if known else Path(found).resolve().parent if found else None


def start_database(programs: Path, folder: Path) -> str:
    """Start PostgreSQL in a folder, and return the URI of an empty database."""
    user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []  # It refuses to run as root.
    if user:
        shutil.chown(folder, "nobody")
        for parent in (folder, *folder.parents)[:-2]:
            parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"
    make = [programs / "initdb", "-D", data, "-U", "ablation", "--auth", "trust"]
    options = f"-p {DATABASE_PORT} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    start = [programs / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    for words in (make, start):
        subprocess.run([*user, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return f"postgresql+psycopg2://ablation:not-asked@127.0.0.1:{DATABASE_PORT}/postgres"


def stop_database(programs: Path, folder: Path) -> None:
    user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    words = [*user, programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"]
    subprocess.run(words, check=False, stdout=subprocess.DEVNULL, cwd=folder)


def main() -> None:
    programs = binaries()
    lacking = [name for name, module in (("psycopg2", "psycopg2"), ("Flask-WTF", "flask_wtf")) if not importlib.util.find_spec(module)]
    if programs is None:
        lacking.insert(0, "PostgreSQL (apt-get install postgresql)")
    if programs is None or lacking:
        print(f"not run: {', '.join(lacking)} is not installed here", file=sys.stderr)
        sys.exit(2)
    faults = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "database").mkdir()
        (base / "server").mkdir()
        backend = start_database(programs, base / "database")
        secrets = {"MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret of this script", "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD}
        server = start_server(base / "server", PORT, "--app-name", "basic-auth", backend=backend, **secrets)
        try:
            uri, admin = f"http://127.0.0.1:{PORT}", f"{ADMIN}:{PASSWORD}"
            for user, password in USERS.items():
                ask(uri, "users/create", {"username": user, "password": password}, admin)
                ask(uri, "users/update-admin", {"username": user, "is_admin": True}, admin, "PATCH")
            trained, began = base / "trained.txt", time.monotonic()
            studies = {}
            for user, password in USERS.items():
                write_function(base / user, trained, 1.0)
                own = f"http://{user}:{password}@127.0.0.1:{PORT}"
                studies[user] = start_study(base / user, own, "seeds=6", "study.name=both")
            codes = [process.wait(900) for process in studies.values()]
            runs, counts = trained.read_text().splitlines(), statuses(uri, admin)
            seconds = time.monotonic() - began
            print(f"two users, one study of 18 runs: exit status {codes} after {seconds:.0f} s; {len(runs)} trainings, {counts}")
            if any(codes) or len(runs) != 18 or counts != {"FINISHED": 19, "trained": 18, "twice": 0}:
                faults.append(f"two users: {codes}, {len(runs)} trainings, {counts}\n" + "\n".join(shown(base / user) for user in USERS))
            elif scores(base / "ada", "both") != scores(base / "max", "both"):
                faults.append("the users' tables differ")
            if any(password in shown(base / user) for user in USERS for password in USERS.values()):
                faults.append("a password was printed")
            faults += _network(base / "ada", f"http://ada:{USERS['ada']}@127.0.0.1:{PORT}", uri, admin)
            began = time.monotonic()
            process = start_study(base / "ada", f"http://ada:{USERS['ada']}@127.0.0.1:{PORT}", "seeds=6", "study.name=both", "plan=true")
            print(f"plan of a finished study: exit status {process.wait(300)} after {time.monotonic() - began:.1f} s")
        finally:
            stop_server(server, signal.SIGTERM)
            stop_database(programs, base / "database")
    print(*(faults or ["no fault"]), sep="\n")
    sys.exit(bool(faults))


def _network(folder: Path, own: str, uri: str, admin: str) -> list[str]:
    """Train and store a network through the server, and return what is wrong with that."""
    tiny = ["data=digits", "data.limit=100", "model.width=2", "training.epochs=1", "training.batch_size=16", "save_model=true"]
    words = [sys.executable, "-m", "ablation", *tiny, "features=none", "seeds=1", "execution.workers=1", "study.name=network"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": own}
    ended = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    if ended.returncode:
        return [f"save_model=true: exit status {ended.returncode}\n{ended.stdout}{ended.stderr}"]
    found = ask(uri, "runs/search", {"experiment_ids": ["1"], "filter": "params.model = 'CNN'"}, admin)["runs"]
    runs = [run["info"]["run_id"] for run in found]
    stored = [file["path"] for run in runs for file in ask(uri, f"artifacts/list?run_id={run}", None, admin).get("files", [])]
    print(f"save_model=true: {len(runs)} run with {', '.join(stored)}")
    return [] if "network.weights.h5" in stored else ["no network was stored"]


if __name__ == "__main__":
    main()
