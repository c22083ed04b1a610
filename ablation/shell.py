"""The shell, and a guard that it keeps."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

SHELL = "/bin/sh"


@contextmanager
def guard(script: str, patience: float | None = None) -> Iterator[IO[bytes]]:
    """Run a script in a process of its own, whose input is a pipe that stays open in the ``with`` block and is given to it.

    The script reads the end of its input after the block, or as soon as nobody holds the pipe any more because this process has ended,
    however that was: it is in a session of its own, which what ends this process does not reach.

    Args:
        script: for the shell.
        patience: seconds to wait for its end after the block; None for as long as it takes.
    """
    process = subprocess.Popen(
        [SHELL, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdin is not None
    try:
        yield process.stdin
    finally:
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
