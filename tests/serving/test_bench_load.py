"""benchmarks/load.py: what it concludes from planted answers, and a short run of it."""

import asyncio
import io
import json

import pytest
from PIL import Image, UnidentifiedImageError

pytest.importorskip("fastapi")
pytest.importorskip("skimage")

from benchmarks import crowd as clients
from benchmarks.crowd import Parcel, Tally, compare, draw, judge, make_parcels
from benchmarks.load import app, check, conclude, spread
from typer.testing import CliRunner

ONE = Parcel("one", b"123", "image/jpeg", 1)
DUE = {"one": {"faces": [{"emotion": "anger", "confidence": 0.5, "box": {"x": 1}}], "error": None}}


def answer(**changes):
    face = DUE["one"]["faces"][0] | changes
    return json.dumps({"faces": [face], "error": None}).encode()


@pytest.mark.parametrize(
    ("status", "body", "wrong", "refused"),
    [
        (200, answer(), 0, 0),
        (200, answer(confidence=0.500001), 0, 0),
        (200, answer(confidence=0.51), 1, 0),
        (200, answer(emotion="fear"), 1, 0),
        (200, answer(box={"x": 2}), 1, 0),
        (200, answer(track=1), 1, 0),
        (200, b'{"faces": [], "error": null}', 1, 0),
        (500, b"", 1, 0),
        (503, b"", 0, 1),
    ],
)
def test_an_answer_is_judged_by_what_is_due(status, body, wrong, refused):
    tally = Tally()
    judge(ONE, status, body, DUE, tally)
    assert (len(tally.wrong), tally.refused) == (wrong, refused)


def test_a_broken_picture_is_due_its_status():
    tally, broken = Tally(), Parcel("broken", b"", "image/jpeg", 1, 400)
    judge(broken, 400, b"", {}, tally)
    assert tally.wrong == []
    judge(broken, 200, b"{}", {}, tally)
    assert tally.wrong == ["broken: 200"]


def test_values_of_other_types_are_not_the_same():
    assert compare(1, 1.0) == compare(True, 1) == compare(None, 0) == compare([1], [1, 2]) == float("inf")
    assert compare({"a": [0.5]}, {"a": [0.25]}) == 0.25


def test_one_in_twenty_is_broken_and_the_large_one_is_rare():
    parcels = make_parcels()
    drawn = list(draw(parcels, 10_000))
    assert 400 < sum(parcel.status != 200 for parcel in drawn) < 600
    assert 1 <= sum("megapixels" in parcel.name for parcel in drawn) < 60
    assert drawn[:50] == list(draw(parcels, 50))
    large = next(parcel for parcel in parcels if "megapixels" in parcel.name)
    assert Image.open(io.BytesIO(large.body)).size == (4000, 3000)


def test_the_broken_are_broken_each_in_its_way():
    broken = {parcel.name: parcel for parcel in make_parcels() if parcel.status != 200}
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(broken["60,000 x 60,000"].body))
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(broken["cut off"].body)).load()
    for name in ("nothing", "noise", "text"):
        with pytest.raises(UnidentifiedImageError):
            Image.open(io.BytesIO(broken[name].body))


def test_who_gets_no_answer_is_lost_and_who_is_slow_sends_in_pieces(monkeypatch):
    pieces = []

    async def hear(reader, writer):
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            body = b""
            while len(body) < 100:
                pieces.append(await reader.read(1000))
                body += pieces[-1]
            if body.startswith(b"y"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async def scene():
        async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            parcels = iter([Parcel("good", b"y" * 100, "image/jpeg", 1), Parcel("bad", b"x" * 100, "image/jpeg", 1)])
            return await clients.crowd(port, parcels, {"good": {}}, 1, 1, lambda: None)

    monkeypatch.setattr(clients, "SLOW_S", 0.2)
    tally = asyncio.run(scene())
    assert tally.lost == ["bad: IncompleteReadError"]
    assert (tally.wrong, tally.exact, len(tally.slow_s), tally.times_s) == ([], 1, 1, [])
    assert len(pieces) > 20


def test_what_it_concludes():
    tally = Tally(times_s=[0.1] * 98 + [0.5] * 2, slow_s=[1.0], sent={"one": 90, "broken": 10})
    parcels = [ONE, Parcel("broken", b"", "image/jpeg", 1, 400)]
    alone = [{"one": 0.009, "broken": 0.001}, {"one": 0.011, "broken": 0.001}]
    memory_mb = [100.0] * 100 + [104.0] * 900
    report = conclude(tally, 2.0, {"service": 0.2, "workers": 0.982}, memory_mb, alone, parcels, 100, 50)
    assert report["cpu_ms_a_request"] == {"service": 2.0, "workers": 9.82, "predict_alone": 9.1, "ratio": 1.299}
    assert report["memory_mb"]["growth"] == pytest.approx(104 / 102 - 1, abs=1e-4)
    assert (report["requests_per_second"], report["ms"]["p50"], report["ms"]["p99"]) == (50, 100, 500)
    assert (report["broken"], report["slow_clients"]) == (10, 3)
    goals = check(report | {"lost": 1, "batching": {"requests_per_second": {"ratio": 0.9}}})
    assert {name: goal["met"] for name, goal in goals.items()} == {
        "lost": False, "wrong": True, "memory": True, "cpu": True, "batching": False}  # fmt: skip


def test_ratios_are_taken_turn_by_turn():
    assert spread([10, 20, 30], [10, 10, 10]) == {"on": 20, "off": 10, "ratio": 2, "quartiles": [1.5, 2.5]}


@pytest.mark.slow
def test_a_short_run_loses_nothing_and_answers_as_predict_does(tmp_path):
    done = CliRunner().invoke(app, ["--requests", "300", "--rounds", "1", "--out", str(tmp_path / "load.json")])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "load.json").read_text())
    assert (report["lost"], report["wrong"], report["refused"]) == (0, 0, 0)
    assert report["broken"] > 0
    assert report["cpu_ms_a_request"]["ratio"] < 2.5  # on a machine with other work; the published run is on a quiet one
    assert report["batching"]["requests_per_second"]["on"] > 5
