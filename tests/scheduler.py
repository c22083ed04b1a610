"""What only Dask schedulers and workers of their own can show: run by hand, ``python tests/scheduler.py``.

Workers that leave, come late or have other versions, while two studies share the scheduler; a worker that does not see the study's folder;
a scheduler that goes away and comes back. Prints a line for each. The second proof needs root, for a mount namespace.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from proofs import COMMAND, PATIENCE, SMALL, begin, environment, finish, runs_ended, shown, table, until

PORT = 18_786
ADDRESS = f"tcp://127.0.0.1:{PORT}"
ON_DASK = ("execution=dask", f"execution.address={ADDRESS}", "execution.threads=1", "study.name=proof")


def main() -> int:
    """Run the proofs; return how many have failed."""
    with tempfile.TemporaryDirectory(prefix="ablation-dask-") as folder:
        proofs = (workers_come_and_go_under_two_studies, a_worker_without_the_folder_trains, a_scheduler_goes_away)
        return sum(shown(proof(Path(folder))) for proof in proofs)


def workers_come_and_go_under_two_studies(folder: Path) -> Iterator[tuple[bool, str]]:
    code, _ = finish(folder / "local", (*COMMAND, *SMALL, "study.name=proof"))
    yield code == 0, f"the study on local workers, to compare with: {len(table(folder / 'local'))} runs"
    other = folder / "other" / "keras-3.14.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.14.0\n")
    with scheduler(folder), worker(folder, "stays"), worker(folder, "leaves") as leaves, worker(folder, "differs", [str(other.parent)]):
        until(lambda: count_workers() == 3, 60)
        studies = [begin(folder / name, (*COMMAND, *SMALL, *ON_DASK)) for name in ("one", "two")]
        until(lambda: (runs_ended(folder / "one") and runs_ended(folder / "two")) or any(each.poll() is not None for each in studies))
        os.killpg(leaves.pid, signal.SIGKILL)
        with worker(folder, "late"):
            outs = [each.communicate(timeout=PATIENCE)[0] for each in studies]
    for name, process, out in zip(("one", "two"), studies, outs, strict=True):
        same = table(folder / name) == table(folder / "local")
        yield process.returncode == 0 and same, f"study {name} of two at once: exit status {process.returncode}, equal scores: {same}"
        refused = [line for line in out.splitlines() if "is not used" in line]
        yield len(refused) == 1 and "keras 3.14.0" in refused[0], f"study {name}: {' '.join(refused)}"


def a_worker_without_the_folder_trains(folder: Path) -> Iterator[tuple[bool, str]]:
    if os.geteuid() or shutil.which("unshare") is None:
        yield False, "a mount namespace needs root and unshare"
        return
    hidden = folder / "hidden"
    hidden.mkdir()
    namespace = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{hidden}" && exec "$@"', "sh")
    with scheduler(folder), worker(folder, "elsewhere", before=namespace), worker(folder, "beside", before=namespace):
        until(lambda: count_workers() == 2, 60)
        code, _out = finish(hidden, (*COMMAND, *SMALL, *ON_DASK))
    same = table(hidden) == table(folder / "local")
    yield code == 0 and same, f"workers that do not see the study's folder: exit status {code}, equal scores: {same}"
    copies = list(folder.glob("*/dask-scratch-space*/ablation-data/*"))
    yield len(copies) == 2, f"copies of the images: {len(copies)}, one on the disk of each"


def a_scheduler_goes_away(folder: Path) -> Iterator[tuple[bool, str]]:
    place = folder / "gone"
    with scheduler(folder) as gone, worker(folder, "first"):
        process = begin(place, (*COMMAND, *SMALL, *ON_DASK))
        until(lambda: runs_ended(place) or process.poll() is not None)
        os.killpg(gone.pid, signal.SIGKILL)
        out = process.communicate(timeout=120)[0]
    lines = out.splitlines()
    good = process.returncode == 1 and "Traceback" not in out and "has gone away" in lines[-1]
    yield good, f"a scheduler that is killed: exit status {process.returncode}, {lines[-1]}"
    with scheduler(folder), worker(folder, "second"):
        until(lambda: count_workers() == 1, 60)
        code, out = finish(place, (*COMMAND, *SMALL, *ON_DASK))
    same = table(place) == table(folder / "local")
    yield code == 0 and "finished already" in out and same, f"once it runs again, the same command continues; equal scores: {same}"


# ---- schedulers and workers -----------------------------------------------------------------------------------------------------


@contextmanager
def scheduler(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    words = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(PORT), "--no-dashboard")
    with process(folder, "scheduler", (sys.executable, "-m", *words)) as started:
        until(lambda: count_workers() >= 0, 60)
        yield started


@contextmanager
def worker(folder: Path, name: str, first: list[str] | None = None, before: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a worker; ``first`` goes before what it imports from, and ``before`` before its command."""
    scratch = folder / f"scratch-{name}"
    scratch.mkdir(exist_ok=True)
    words = ("distributed.cli.dask_worker", ADDRESS, "--name", name, "--nthreads", "1", "--no-dashboard", "--local-directory", str(scratch))
    path = os.pathsep.join([*(first or []), environment()["PYTHONPATH"]])
    with process(folder, name, (*before, sys.executable, "-m", *words), PYTHONPATH=path) as started:
        yield started


@contextmanager
def process(folder: Path, name: str, command: tuple[str, ...], **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in a process group of its own, and end the group."""
    with ExitStack() as stack:
        log = stack.enter_context((folder / f"{name}.log").open("w"))
        started = subprocess.Popen(
            command, cwd="/", env=environment(**variables), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def count_workers() -> int:
    """Return how many workers the scheduler has; -1 where it does not answer."""
    from distributed import Client

    try:
        with Client(ADDRESS, timeout=2, set_as_default=False) as client:
            return len(client.scheduler_info(n_workers=-1)["workers"])
    except OSError:
        return -1


if __name__ == "__main__":
    sys.exit(main())
