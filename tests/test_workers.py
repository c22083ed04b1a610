"""Slots are the workers of a scheduler that have shown what they are, as they come and go."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster, Security, get_worker
from test_schedule import Trained

from ablation.engine.credentials import credentials, difference
from ablation.engine.execution import Dask, admission, files, workers
from ablation.engine.execution.files import complete, deliver, finds, receive
from ablation.engine.execution.place import Place
from ablation.engine.execution.workers import Workers
from ablation.engine.failed import WorkerDiedError
from ablation.engine.worker import packed
from ablation.errors import InputError
from ablation.study.staged import located
from ablation.study.subject import WrongProcessError

OTHER = "other"
"""A worker of this name has something that the study does not have."""


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """A scheduler with two workers, which are threads of this process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0", memory_limit=0, silence_logs=50
    ) as made:
        yield made


class Prepared(Trained):
    """A subject whose processes are set up by a function of the test's."""

    def __init__(self, set_up: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(0.0)
        self.set_up = set_up

    def start(self, threads: int | None, own: bool) -> Mapping[str, str]:
        return self.set_up()


@contextmanager
def pool(cluster: LocalCluster, subject: Trained | None = None, **of_place: Any) -> Iterator[Workers]:
    place = Place("the scheduler", lambda runs: f"{runs} runs wait", "it has gone", **{"wait": 60.0, **of_place})
    with (
        Client(cluster, timeout=2, set_as_default=False) as client,
        closing(Workers(client, packed(subject or Trained(0.0)), place, print)) as made,
    ):
        yield made


def until(reached: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.02)


def where() -> str:
    return str(get_worker().name)


LET_GO = threading.Event()
"""What a task waits for that is to be at work for a while."""


def when_let_go() -> str:
    LET_GO.wait(20)
    return str(get_worker().name)


def add(cluster: LocalCluster, name: str) -> None:
    cluster.worker_spec[name] = cluster.new_spec
    cluster.sync(cluster._correct_state)


def test_a_worker_that_comes_later_is_used_and_one_that_leaves_is_not(cluster: LocalCluster) -> None:
    with pool(cluster) as opened:
        until(lambda: opened.slots == 2)
        opened.news()
        add(cluster, "late")
        opened.changed.result(timeout=20)
        assert opened.slots == 3
        assert {future.result(20) for future in [opened.submit(where) for _ in range(3)]} == {"0", "1", "late"}
        cluster.scale(1)
        until(lambda: opened.slots == 1)
        assert opened.submit(where).result(20) == str(next(iter(cluster.workers.values())).name)


def test_what_a_worker_did_that_has_left_is_begun_again_and_not_for_ever(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "TRIES", 2)
    with pool(cluster) as opened:
        until(lambda: opened.slots == 2)
        first: Future[str] = opened.submit(when_let_go)
        [busy] = [worker for worker in opened._workers.values() if worker.run]
        del cluster.worker_spec[int(busy.name)]
        cluster.sync(cluster._correct_state)
        until(lambda: opened.slots == 1)
        assert not first.done()
        cluster.scale(0)
        with pytest.raises(WorkerDiedError):
            first.result(20)
        LET_GO.set()


def shown(packages: tuple[str, ...], dask_worker: Any = None) -> dict[str, str]:
    """Show what a worker with another Keras would; without a worker, what the study has."""
    return {**credentials(packages), "keras": "3.14.0" if dask_worker and dask_worker.name == OTHER else "3.15.1"}


def test_a_worker_with_other_versions_is_refused_by_name(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "credentials", shown)
    add(cluster, OTHER)
    with pool(cluster) as opened:
        opened.check_present()
        until(lambda: opened.slots == 2)
        [line] = opened.news()
        assert line.startswith("the worker other at ")
        assert line.endswith("is not used: it has keras 3.14.0, and this study 3.15.1")
        assert OTHER not in {future.result(20) for future in [opened.submit(where) for _ in range(4)]}


def test_where_no_worker_can_be_believed_nothing_starts(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "credentials", lambda packages, dask_worker=None: {"code": "new" if dask_worker else "old"})
    with pool(cluster) as opened, pytest.raises(InputError, match="its ablation  has other code than this study's, and there is no nanny"):
        opened.check_present()


def test_a_process_that_is_set_up_otherwise_is_not_taken_as_it_is(cluster: LocalCluster) -> None:
    def wrong() -> Mapping[str, str]:
        raise WrongProcessError("this process already runs Keras on torch")

    for set_up, why in ((wrong, "already runs Keras on torch"), (lambda: {"threads": "1"}, "runs with 1 thread, and execution.threads=2")):
        with pool(cluster, Prepared(set_up), threads=2) as opened, pytest.raises(InputError, match=why):
            until(lambda opened=opened: opened.news() and False)


def test_workers_that_compute_otherwise_than_the_first_are_refused(cluster: LocalCluster) -> None:
    with pool(cluster, Prepared(lambda: {"threads": "1", "precision": f"float{get_worker().name}"})) as opened:
        until(lambda: opened.slots == 1)
        said: list[str] = []
        until(lambda: said.extend(opened.news()) or said)
        assert "it has precision float" in said[0]
        assert opened.slots == 1


def test_what_is_waited_for_is_said_once_and_not_for_ever(cluster: LocalCluster) -> None:
    cluster.scale(0)
    until(lambda: not cluster.workers)
    with pool(cluster, wait=2.0) as opened:
        future = opened.submit(where)
        said: list[str] = []
        until(lambda: said.extend(opened.news()) or said)
        assert said == ["1 runs wait"]
        with pytest.raises(InputError, match="no worker has come to the scheduler for 2 seconds"):
            future.result(20)


def test_a_cluster_that_grows_with_its_work_is_shown_that_there_is_some(cluster: LocalCluster) -> None:
    cluster.scale(0)
    until(lambda: not cluster.workers)
    cluster.adapt(minimum=0, maximum=2, interval="100ms")
    with pool(cluster, grows=True) as opened:
        opened.expect(3)
        until(lambda: opened.slots > 0)
        assert opened.submit(where).result(20)


def test_two_studies_on_one_scheduler_do_not_hear_each_other(cluster: LocalCluster) -> None:
    heard: dict[str, list[Any]] = {"one": [], "two": []}
    place = Place("the scheduler", lambda runs: "", "it has gone", 60.0)
    with Client(cluster, set_as_default=False) as one, Client(cluster, set_as_default=False) as two:
        pools = {name: Workers(client, packed(Trained(0.0)), place, heard[name].append) for name, client in (("one", one), ("two", two))}
        for name, opened in pools.items():
            until(lambda opened=opened: opened.slots == 2)
            opened.submit(opened.send, {"from": name}).result(20)
        until(lambda: all(heard.values()))
        for opened in pools.values():
            opened.close()
    assert {name: [event["from"] for event in events] for name, events in heard.items()} == {"one": ["one"], "two": ["two"]}


def test_a_scheduler_that_goes_away_ends_it_in_a_sentence() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            protocol="tcp",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=50,
        ) as made,
        pool(made) as opened,
    ):
        until(lambda: opened.slots == 1)
        future = opened.submit(time.sleep, 5)
        made.sync(made.scheduler.close)
        with pytest.raises(InputError, match="it has gone"):
            future.result(20)
        with pytest.raises(InputError, match="it has gone"):
            opened.news()


class Elsewhere:
    """A client whose worker does not see the folders of this machine, and has a disk of its own."""

    def __init__(self, scratch: Path) -> None:
        self.local_directory = str(scratch / "worker")
        self.asked: list[str] = []

    def run(self, function: Callable[..., Any], *arguments: Any, workers: list[str]) -> dict[str, Any]:
        self.asked.append(function.__name__)
        if function is finds:
            arguments = (f"/elsewhere/{Path(arguments[0]).name}",)
        return {address: function(*arguments, dask_worker=self) for address in workers}


def test_a_worker_that_does_not_see_a_folder_is_sent_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE", 1000)
    folder = tmp_path / "here" / "images"
    folder.mkdir(parents=True)
    (folder / "x.npy").write_bytes(bytes(range(256)) * 10)
    (folder / "empty.json").write_bytes(b"")
    client = Elsewhere(tmp_path)
    for _ in range(2):
        deliver(client, "tcp://elsewhere", folder)
    assert client.asked.count("receive") == 4
    assert client.asked[-1] == "finds"
    copy = located(Path("/elsewhere/images"))
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == {file.name: file.read_bytes() for file in folder.iterdir()}
    assert located(folder) == folder


def test_files_that_arrive_otherwise_than_they_were_sent_are_not_kept(tmp_path: Path) -> None:
    client = Elsewhere(tmp_path)
    client.run(receive, "broken", "1", "x.npy", b"not what was sent", workers=["tcp://elsewhere"])
    with pytest.raises(OSError, match="has not arrived as it was sent"):
        client.run(complete, "broken", "1", {"x.npy": "0" * 128}, workers=["tcp://elsewhere"])
    assert list((tmp_path / "ablation-data").iterdir()) == []


def test_a_difference_names_what_is_other() -> None:
    ours = {"Python": "3.11", "ablation": "1", "code": "a", "keras": "3"}
    assert difference(ours, ours) == ""
    assert difference({**ours, "Python": "3.12"}, ours) == "it has Python 3.12, and this study 3.11"
    assert difference({**ours, "code": "b"}, ours) == "its ablation 1 has other code than this study's"
    assert difference({name: ours[name] for name in ("Python", "ablation", "code")}, ours) == "it has no keras, and this study 3"


def test_a_scheduler_with_certificates_that_this_machine_lacks_is_named() -> None:
    def opened(address: str) -> None:
        with Dask(address).open(packed(Trained(0.0)), print):
            pass

    with LocalCluster(
        n_workers=0, processes=False, security=Security.temporary(), dashboard_address="127.0.0.1:0", silence_logs=50
    ) as made:
        with pytest.raises(InputError, match="expected its certificates in Dask's configuration"):
            opened(made.scheduler_address)
        with pytest.raises(InputError, match="does not answer; does it expect tls:// in place of tcp://"):
            opened(made.scheduler_address.replace("tls:", "tcp:"))


def test_a_scheduler_is_found_by_its_file(cluster: LocalCluster, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    with pytest.raises(InputError, match="names no scheduler"), Dask(scheduler_file=str(file)).open(packed(Trained(0.0)), print):
        pass
    file.write_text(json.dumps({"address": cluster.scheduler_address}))
    with Dask(scheduler_file=str(file)).open(packed(Trained(0.0)), print) as opened:
        assert opened.submit(where).result(20) in ("0", "1")


def test_only_workers_with_the_resources_of_a_run_are_used(cluster: LocalCluster) -> None:
    with pytest.raises(InputError, match="execution.resources.GPU must be a number above 0"):
        Dask(cluster.scheduler_address, resources={"GPU": 0})
    with Dask(cluster.scheduler_address, wait=2, resources={"GPU": 1}).open(packed(Trained(0.0)), print) as opened:
        future = opened.submit(where)
        said: list[str] = []
        until(lambda: said.extend(opened.news()) or said)
        assert said[0].endswith(f"dask worker {cluster.scheduler_address} --nthreads 1 --resources GPU=1")
        with pytest.raises(InputError, match="no worker has come"):
            future.result(20)
