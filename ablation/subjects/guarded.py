"""A program that cannot outlive the process that runs it."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Literal

from ablation.shell import SHELL, guard

Stream = Literal["stdout", "stderr"]

GUARD = 'read group || exit 0; while read rest; do :; done; kill -s KILL -- "-$group"'
"""Reads the process group from a pipe, waits until nobody holds the pipe's other end, and ends all of the group."""

START = 'echo $$ >&0; exec "$@" < /dev/null'
"""Names its group to the guard, lets go of the pipe, and becomes the program."""

LINGER = 2.0
"""Seconds to wait for the rest of the output, which a process that has left the group may hold open."""


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        status: its exit status, or minus the signal that ended it.
        timed_out: whether it was ended because its time was over.
    """

    status: int
    timed_out: bool


def run_guarded(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    timeout: float | None,
    heard: Callable[[Stream, str], None],
) -> Ended:
    """Run a program to its end, in a process group of its own.

    A second process, the guard, reads a pipe that only this process holds. When the pipe is closed, at the program's end, at its timeout,
    by an exception or because this process was killed, the guard kills the group: whatever the program started goes with it, unless it
    left the group by ``setsid``.

    Args:
        words: the program and its arguments.
        timeout: seconds after which it is ended; None for never.
        heard: takes each line of its output as it comes, in this thread.
    """
    with guard(GUARD) as pipe:
        process = subprocess.Popen(
            [SHELL, "-c", START, SHELL, *words],
            cwd=folder,
            env=environment,
            stdin=pipe,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        lines: SimpleQueue[tuple[Stream, str] | None] = SimpleQueue()
        assert process.stdout is not None and process.stderr is not None
        readers = [_reader("stdout", process.stdout, lines), _reader("stderr", process.stderr, lines)]
        _waiter(process, lines)
        timed_out = _listen(lines, timeout, heard)
    process.wait()
    for reader in readers:
        reader.join(LINGER)
    while not lines.empty():
        if (line := lines.get()) is not None:
            heard(*line)
    return Ended(process.returncode, timed_out)


def _reader(stream: Stream, pipe: IO[str], lines: "SimpleQueue[tuple[Stream, str] | None]") -> Thread:
    def read() -> None:
        with pipe:
            for line in pipe:
                lines.put((stream, line))

    thread = Thread(target=read, daemon=True)
    thread.start()
    return thread


def _waiter(process: "subprocess.Popen[str]", lines: "SimpleQueue[tuple[Stream, str] | None]") -> None:
    def wait() -> None:
        process.wait()
        lines.put(None)

    Thread(target=wait, daemon=True).start()


def _listen(lines: "SimpleQueue[tuple[Stream, str] | None]", timeout: float | None, heard: Callable[[Stream, str], None]) -> bool:
    """Pass on lines until the program has ended; return whether its time was over first."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return True
        try:
            line = lines.get(timeout=left)
        except Empty:
            return True
        if line is None:
            return False
        heard(*line)
