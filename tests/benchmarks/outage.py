"""A tracking server that goes away in the middle of a study: for a minute, for long, and for good.

    python tests/benchmarks/outage.py [--seconds 60]

The server is killed with SIGKILL after the second of 24 runs. What is checked: the table is that of a study without an outage, each run is
trained once, and in the end the server has each of them once.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from served import free_port, scores, shown, start_server, start_study, statuses, stop_server, wait_for, write_function

RUNS = ("seeds=8", "study.name=weather")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of a run")
    chosen = parser.parse_args()
    faults = []
    with tempfile.TemporaryDirectory() as name:
        reference: list[str] = []
        for case in ("no outage", "a while", "for good"):
            base = Path(name) / case.replace(" ", "-")
            folder, trained = base / "study", base / "trained.txt"
            write_function(folder, trained, chosen.pause)
            (base / "server").mkdir()
            port = free_port()
            server, uri = start_server(base / "server", port), f"http://127.0.0.1:{port}"
            began = time.monotonic()
            process = start_study(folder, uri, *RUNS)
            if case != "no outage":
                wait_for(folder, "[ 2/24]", process)
                stop_server(server, signal.SIGKILL)
                if case == "a while":
                    time.sleep(chosen.seconds)
                    server = start_server(base / "server", port)
            code = process.wait(900)
            lines = [line for line in shown(folder).splitlines() if "is away" in line or "is back" in line]
            print(f"{case}: exit status {code} after {time.monotonic() - began:.0f} s", *lines, sep="\n    ", flush=True)
            if case == "for good":
                own = scores(folder, "weather")
                if own != reference or code != 1:
                    faults.append(f"{case}: the report made without the server differs, or the exit status is {code}")
                server = start_server(base / "server", port)
                began = time.monotonic()
                code = start_study(folder, uri, *RUNS).wait(900)
                print(f"    given again: exit status {code} after {time.monotonic() - began:.0f} s", flush=True)
            counts, table, runs = statuses(uri), scores(folder, "weather"), trained.read_text().splitlines()
            stop_server(server, signal.SIGTERM)
            reference = reference or table
            print(f"    {counts}; {len(runs)} trainings", flush=True)
            if code or table != reference or len(runs) != 24 or counts != {"FINISHED": 25, "trained": 24, "twice": 0}:
                same = "the same table" if table == reference else "another table"
                faults.append(f"{case}: exit status {code}, {counts}, {len(runs)} trainings, {same}")
    print(*(faults or ["no fault"]), sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
