"""What an interruption does to a study that is logging."""

import signal
import threading

import pytest

from ablation.engine.schedule import interruption_held_back


def logged_despite(interruptions: int, logged: list[str], error: Exception | None = None) -> None:
    with interruption_held_back():
        for _ in range(interruptions):
            signal.raise_signal(signal.SIGINT)
        if error:
            raise error
        logged.append("a run")


def test_an_interruption_waits_for_what_is_being_logged() -> None:
    before, logged = signal.getsignal(signal.SIGINT), list[str]()
    with pytest.raises(KeyboardInterrupt):
        logged_despite(1, logged)
    assert logged == ["a run"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interruption_comes_through() -> None:
    logged = list[str]()
    with pytest.raises(KeyboardInterrupt):
        logged_despite(2, logged)
    assert logged == []


def test_an_error_is_told_rather_than_the_interruption_that_came_before_it() -> None:
    with pytest.raises(RuntimeError, match="full"):
        logged_despite(1, [], RuntimeError("the disk is full"))


def test_another_thread_changes_no_signals() -> None:
    handlers = []

    def log() -> None:
        with interruption_held_back():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=log)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
