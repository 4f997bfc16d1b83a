"""`mien score` with Ray: killed in every way, on two nodes of which one is lost, and from S3. Each ends with all, once."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from os import kill
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as parquet
import pytest
from batch_pictures import HOPPER, PICTURES, tar_of, write_table
from running import Programs, free_port, programs, wait_for
from runs_here import source_of

from mien.batch.items import read_items
from mien.batch.parts import Source, find_parts, resolve

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
POISON = Path(__file__).parent / "poison"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
LOCAL = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(POISON)}
RAY = Path(sys.executable).parent / "ray"


def make_pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for i in range(count):
        shutil.copy(PICTURES / ("hopper.jpg", "grey.png", "no-face.jpg")[i % 3], folder / f"{i:04}.jpg")
    return folder


def done_parts(out: Path) -> int:
    path = out / "_done.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def check_each_once(out: Path, folder: Path) -> dict[str, str]:
    """That each picture of the folder has its rows once; the errors by name."""
    rows = [row for path in sorted(out.glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]
    counts = Counter((row["source"], row["face"]) for row in rows)
    assert set(counts.values()) == {1}
    assert {source for source, _ in counts} == {str(path) for path in folder.iterdir()}
    firsts = [row["source"] for row in rows if row["face"] in (None, 0)]
    assert len(firsts) == len(set(firsts)) == len(list(folder.iterdir()))
    return {Path(row["source"]).name: row["error"] for row in rows if row["error"]}


def test_killed_worker_killed_driver_and_poison(tmp_path):
    """Loopback alone; nothing of it stays; a second start ends with one result per picture, the poison named."""
    folder, out = make_pictures(tmp_path / "pictures", 600), tmp_path / "out"
    for i, how in ((33, "exit"), (34, "segv"), (595, "exit")):
        (folder / f"{i:04}.jpg").write_text(f"POISON {how}")
    with programs(**LOCAL) as started:
        words = ("score", folder, "--out", out, "--part", 20, "--workers", 2)
        driver = started.mien(*words)
        wait_for(lambda: done_parts(out) >= 2, 120)
        assert started.addresses() <= LOOPBACK
        kill(started.running("ray::MapBatches")[0], signal.SIGKILL)
        wait_for(lambda: done_parts(out) >= 5, 60)
        driver.kill()
        driver.wait()
        wait_for(lambda: not started.running(), 90)
        before = done_parts(out)
        assert 5 <= before < 30
        driver = started.mien(*words)
        text, words = driver.communicate(timeout=200)
        assert (driver.returncode, text) == (1, f"{out}\n")
        wait_for(lambda: not started.running(), 60)
    errors = check_each_once(out, folder)
    assert errors.keys() == {"0033.jpg", "0034.jpg", "0595.jpg"}
    assert "exit code 7" in errors["0033.jpg"]
    assert "SIGSEGV" in errors["0034.jpg"]
    assert len(words.splitlines()) == 4
    assert "600 pictures, 397 faces, 3 errors" in words.splitlines()[-1]


@pytest.fixture
def loopback_alone():
    """The words before a command that give it a network with nothing but loopback, which Ray's nodes share."""
    command = ["unshare", "-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        pytest.skip("needs unshare")
    with process:
        if process.stdout.readline() != "up\n":
            pytest.skip("may not make a network of its own")
        yield ("nsenter", "-n", "-t", process.pid)
        process.kill()


@pytest.fixture
def short_path():
    """Ray's sockets stand in it, whose names have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as folder:
        yield folder


def start_node(started: Programs, inside: tuple, *words: object) -> None:
    ports = ("--dashboard-agent-listen-port", free_port(), "--metrics-export-port", free_port())
    store = ("--object-store-memory", 100_000_000, "--num-cpus", 1, "--disable-usage-stats", "--block")
    started.start(*inside, RAY, "start", *words, *ports, *store)


def test_two_nodes_of_which_one_is_lost(tmp_path, loopback_alone, short_path):
    inside = loopback_alone
    folder, out = make_pictures(tmp_path / "pictures", 600), tmp_path / "out"
    port, keys = free_port(), {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid4().hex * 2, "RAY_TMPDIR": short_path}
    with programs(**keys) as head, programs(**keys) as other, programs(**keys) as driver:
        start_node(head, inside, "--head", "--port", port, "--include-dashboard", "false")
        wait_for(lambda: head.running("raylet/raylet"), 120)
        ask = (*map(str, inside), RAY, "health-check", "--address", f"127.0.0.1:{port}")
        wait_for(lambda: subprocess.run(ask, env=head.environment, capture_output=True).returncode == 0, 120)
        start_node(other, inside, "--address", f"127.0.0.1:{port}")
        wait_for(lambda: other.running("raylet/raylet"), 120)
        process = driver.mien("score", folder, "--out", out, "--part", 20, "--address", f"127.0.0.1:{port}", inside=inside)
        wait_for(lambda: done_parts(out) >= 3 and other.running("ray::MapBatches"), 120)
        assert done_parts(out) < 28
        other.end()
        text, words = process.communicate(timeout=200)
        assert (process.returncode, text) == (0, f"{out}\n"), words
        assert not other.running()
        assert head.running("raylet/raylet")
    assert check_each_once(out, folder) == {}


@pytest.fixture
def bucket(tmp_path):
    """The environment of a moto server with a bucket `faces`, and pyarrow's file system for it."""
    pytest.importorskip("moto.server")
    from pyarrow.fs import S3FileSystem

    port = free_port()
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": "us-east-1"}  # fmt: skip
    with programs(**keys, INITIAL_NO_AUTH_ACTION_COUNT="1000000") as server:
        server.start(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
        wait_for(lambda: server.addresses(), 30)
        system = S3FileSystem(access_key="key", secret_key="secret", endpoint_override=keys["AWS_ENDPOINT_URL"],
                              region="us-east-1", allow_bucket_creation=True)  # fmt: skip
        system.create_dir("faces")
        yield keys, system


def put(system, name: str, data: bytes) -> None:
    with system.open_output_stream(f"faces/{name}") as file:
        file.write(data)


def test_from_s3(tmp_path, bucket):
    keys, system = bucket
    for i in range(30):
        put(system, f"a/{i % 2}/{i:02}.jpg", HOPPER if i else b"broken")
    with programs(**LOCAL, **keys) as started:
        process = started.mien("score", "s3://faces/a", "--out", tmp_path / "out", "--part", 8)
        _, words = process.communicate(timeout=200)
    assert process.returncode == 1, words
    rows = parquet.read_table(tmp_path / "out").to_pylist()
    assert sorted(row["source"] for row in rows) == sorted(f"s3://faces/a/{i % 2}/{i:02}.jpg" for i in range(30))
    assert sum(row["face"] == 0 for row in rows) == 29
    assert "secret" not in "".join(path.read_text() for path in (tmp_path / "out").glob("_*"))


def test_tables_tars_and_lists_on_s3_with_keys_in_the_address(tmp_path, bucket):
    keys, system = bucket
    put(system, "t.parquet", write_table(tmp_path / "t.parquet", {"bytes": [HOPPER, b"x"]}).read_bytes())
    put(system, "s.tar", tar_of({"0.jpg": HOPPER, "1.jpg": b"y"}))
    put(system, "a.jpg", HOPPER)
    put(system, "list.txt", b"a.jpg\ns3://faces/nowhere.jpg\nt.parquet\n")
    query = f"endpoint_override={keys['AWS_ENDPOINT_URL']}&region=us-east-1"
    found = {}
    for name in ("t.parquet", "s.tar", "a.jpg", "list.txt"):
        plain = source_of(f"s3://faces/{name}")
        source = resolve(Source(**{**vars(plain), "options": f"s3://key:secret@faces/{name}?{query}"}))
        found[name] = [item for part in find_parts(source) for item in read_items(source, part)]
    shown = {name: [(item.name.removeprefix("s3://faces/"), item.picture) for item in items] for name, items in found.items()}
    table = [("t.parquet:0", HOPPER), ("t.parquet:1", b"x")]
    assert shown == {
        "t.parquet": table,
        "s.tar": [("s.tar/0.jpg", HOPPER), ("s.tar/1.jpg", b"y")],
        "a.jpg": [("a.jpg", HOPPER)],
        "list.txt": [("a.jpg", HOPPER), ("nowhere.jpg", None), *table],
    }
    assert found["list.txt"][1].error == "no such file; check the path."


def test_keys_that_s3_refuses_are_one_line(tmp_path):
    port = free_port()
    pytest.importorskip("moto.server")
    with programs(INITIAL_NO_AUTH_ACTION_COUNT="0") as server:
        server.start(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
        wait_for(lambda: server.addresses(), 30)
        address = f"s3://key:secret@faces/a?endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
        process = server.mien("score", address, "--out", tmp_path / "out")
        text, words = process.communicate(timeout=60)
    assert (process.returncode, text, words.count("\n")) == (1, "", 1)
    assert words.startswith("mien: s3://faces/a: cannot be read")
    assert "ACCESS_DENIED" in words
    assert "secret" not in words
