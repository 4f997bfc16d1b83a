"""The service through its front door: answers as predict gives them, and a problem document for everything else."""

import asyncio
import io
import json
import logging
import struct
import time
import zlib

import pytest
from PIL import Image
from tests.serving.poisons import Poisoned, Unbuildable
from tests.serving.running import ASTRONAUT, JPEG, PICTURES, TOKEN, problem

from mien import Recognizer
from mien.errors import UsageError
from mien.serving.answers import SOURCE
from mien.serving.envelope import Envelope
from mien.serving.limits import Limits
from mien.serving.log import JsonFormatter
from mien.serving.metrics import Metrics


@pytest.mark.parametrize("name", ["astronaut.jpg", "several.jpg", "no-face.jpg", "alpha.png", "exif.jpg"])
def test_an_answer_is_what_predict_gives(client, name):
    data = (PICTURES / name).read_bytes()
    expected = Recognizer().predict(data).to_dict() | {"source": SOURCE}
    assert client.post("/v1/predict", content=data, headers=JPEG).json() == json.loads(json.dumps(expected))


def test_several_pictures_are_answered_in_their_order_with_their_own_errors(client):
    names = ["several.jpg", "astronaut.jpg", "no-face.jpg"]
    files = [("image", (name, (PICTURES / name).read_bytes(), "image/jpeg")) for name in names]
    files.insert(1, ("image", ("broken.jpg", b"no picture", "image/jpeg")))
    results = client.post("/v1/predict", files=files).json()["results"]
    assert [len(result["faces"]) for result in results] == [4, 0, 1, 0]
    assert [bool(result["error"]) for result in results] == [False, True, False, False]
    one = client.post("/v1/predict", files=files[:1]).json()
    assert one == results[0]


def test_crops_are_classified_whole(client):
    crop = Image.open(PICTURES / "astronaut.jpg").convert("L").crop((180, 70, 270, 160))
    data = io.BytesIO()
    crop.save(data, "PNG")
    (face,) = client.post("/v1/classify", content=data.getvalue(), headers={"content-type": "image/png"}).json()["faces"]
    assert list(face) == ["emotion", "confidence", "ambiguous", "probs"]
    assert sum(face["probs"].values()) == pytest.approx(1, abs=1e-5)
    assert face["emotion"] == "happiness"


def test_a_parameter_in_the_address_is_refused_not_ignored(client):
    answer = client.post("/v1/predict?threshold=0.9&top=1", content=ASTRONAUT, headers=JPEG)
    assert "threshold, top was given" in problem(answer, 422)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({"content": b"no picture", "headers": JPEG}, 400, "is not a picture"),
        ({"content": b"", "headers": JPEG}, 400, "is empty"),
        ({"content": ASTRONAUT[:5000], "headers": JPEG}, 400, "cut-off"),
        ({"json": {"image": "x"}}, 415, "expected image/*"),
        ({"content": ASTRONAUT}, 415, "content type none"),
        ({"content": b"x" * 40_000_000, "headers": JPEG}, 413, "larger than"),
        ({"data": {"name": "x"}, "files": {"other": b"x"}}, 422, "0 fields named image"),
        ({"files": [("image", b"x")] * 17}, 422, "17 fields"),
        ({"files": [("image", b"x")] * 40}, 422, "Too many files"),
        ({"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data"}}, 400, "broken"),
        ({"content": b"", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "cut short"),
        ({"content": bytes(80_000_000), "headers": JPEG}, 413, "larger than"),
        ({"content": bytes(30_000_000), "headers": JPEG}, 400, "is not a picture"),
        ({"content": ASTRONAUT, "headers": JPEG | {"content-length": "many"}}, 400, "expected a number"),
        ({"content": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "headers": JPEG}, 400, "PostScript"),
    ],
)
def test_bad_bodies_get_a_problem_document(client, options, status, said):
    assert said in problem(client.post("/v1/predict", **options), status)


def test_a_body_is_refused_while_it_streams_in_before_it_is_held(client):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1_000_000
            yield bytes(1_000_000)

    assert "larger" in problem(client.post("/v1/predict", content=endless(), headers=JPEG), 413)
    assert sent < 40_000_000


def png(width, height):
    """The start of a picture of that size, and no pixels."""
    chunks = b""
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(client):
    began = time.monotonic()
    response = client.post("/v1/predict", content=png(60_000, 60_000), headers={"content-type": "image/png"})
    assert "megapixels" in problem(response, 413)
    assert time.monotonic() - began < 3


def multipart(*pictures):
    """The parts of a form, each from its boundary to its end, and the last boundary."""
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
    return [*(head + picture + b"\r\n" for picture in pictures), b"--edge--\r\n"]


@pytest.mark.parametrize("cut", [1, 3, 200, len(ASTRONAUT) + 90])
def test_a_form_that_is_cut_short_is_not_answered_with_the_pictures_before(client, cut):
    headers = {"content-type": "multipart/form-data; boundary=edge"}
    whole = b"".join(multipart(ASTRONAUT, ASTRONAUT))
    assert len(client.post("/v1/predict", content=whole, headers=headers).json()["results"]) == 2
    cut += 3 if cut > 1 else 5  # the line break after the last boundary, and one of its last dashes
    assert "cut short" in problem(client.post("/v1/predict", content=whole[:-cut], headers=headers), 400)


def test_large_pictures_of_a_form_are_never_on_the_disk(build, monkeypatch):
    def refuse(self):
        raise AssertionError("rolled over to a file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", refuse)
    big = ASTRONAUT + bytes(3_000_000)
    assert build().post("/v1/predict", files={"image": big}).json()["faces"]


def test_more_pictures_than_the_queue_ever_holds_are_refused_for_good(build):
    files = [("image", ASTRONAUT)] * 5
    client = build(Limits(queue=4))
    assert "expected 1 to 4" in problem(client.post("/v1/predict", files=files), 422)
    body = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["requestBody"]
    assert body["content"]["multipart/form-data"]["schema"]["properties"]["image"]["maxItems"] == 4


def test_bodies_share_the_room_there_is_and_give_it_back(build):
    client = build(Limits(held_bytes=2 * len(ASTRONAUT)))
    ask = ("POST", "/v1/predict", {"content": ASTRONAUT, "headers": JPEG})
    for _ in range(3):
        answers = client.ask(*[ask] * 4, together=True)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503]
    assert all("under way" in problem(answer, 503) for answer in answers if answer.status_code == 503)


def test_a_slow_sender_times_out(build):
    async def slow():
        yield ASTRONAUT[:100]
        await asyncio.sleep(5)
        yield ASTRONAUT[100:]

    client = build(Limits(body_s=0.2))
    began = time.monotonic()
    response = client.post("/v1/predict", content=slow(), headers=JPEG)
    assert "had not arrived" in problem(response, 408)
    assert time.monotonic() - began < 3


def test_a_full_queue_refuses_at_once_and_loses_nothing(build):
    client = build(Limits(queue=4))
    responses = client.ask(*[("POST", "/v1/predict", {"content": ASTRONAUT, "headers": JPEG})] * 20, together=True)
    busy = [response for response in responses if response.status_code == 503]
    done = [response.json() for response in responses if response.status_code == 200]
    assert len(busy) + len(done) == 20
    assert len(done) >= 4
    assert busy
    assert all(response.headers["retry-after"] == "1" for response in busy)
    assert all(result["faces"][0]["emotion"] == "happiness" for result in done)
    assert client.service.batcher.held == 0


def test_requests_that_come_together_are_answered_each_with_its_own(build):
    client = build(workers=2)
    names = [path.name for path in sorted(PICTURES.iterdir())][:6] * 4
    requests = [("POST", "/v1/predict", {"content": (PICTURES / name).read_bytes(), "headers": JPEG}) for name in names]
    alone = {name: Recognizer().predict((PICTURES / name).read_bytes()).to_dict()["faces"] for name in set(names)}
    for name, response in zip(names, client.ask(*requests, together=True), strict=True):
        faces = response.json()["faces"]
        assert [face["box"] for face in faces] == [face["box"] for face in alone[name]]
        for ours, one in zip(faces, alone[name], strict=True):
            assert ours["probs"] == pytest.approx(one["probs"], abs=1e-5)


def test_tokens_are_asked_for_and_a_rate_is_kept(build):
    client = build(tokens=[TOKEN, "another-token-of-length"], rate=2)
    body = {"content": ASTRONAUT}
    bare = client.post("/v1/predict", **body, headers=JPEG)
    assert "Authorization: Bearer" in problem(bare, 401)
    assert bare.headers["www-authenticate"] == "Bearer"
    problem(client.post("/v1/predict", **body, headers=JPEG | {"authorization": "Bearer wrong"}), 401)
    known = JPEG | {"authorization": f"Bearer {TOKEN}"}
    assert [client.post("/v1/predict", **body, headers=known).status_code for _ in range(3)] == [200, 200, 429]
    other = JPEG | {"authorization": "Bearer another-token-of-length"}
    assert client.post("/v1/predict", **body, headers=other).status_code == 200
    assert client.get("/healthz").status_code == 200
    for path in ("/metrics", "/v1/model"):
        problem(client.get(path), 401)
        assert client.get(path, headers=known).status_code == 200  # and does not count


@pytest.mark.parametrize(
    "said", ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", "Bearer é", f"Bearer {TOKEN[:-1]}"]
)
def test_no_other_word_lets_in(build, said):
    client = build(tokens=["first-token-of-length", TOKEN])
    headers = JPEG | {"authorization": said.encode()}
    problem(client.post("/v1/predict", content=ASTRONAUT, headers=headers), 401)


def test_the_page_is_sent_as_gzip_to_those_who_take_it(build, tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("<!doctype html>" + "<p>a face" * 1000)
    monkeypatch.setattr("mien.serving.page.PAGE", tmp_path)
    client = build()
    for accepted, sent in (("gzip, br", "gzip"), ("identity", None)):
        page = client.get("/", headers={"Accept-Encoding": accepted})
        assert (page.status_code, page.headers.get("content-encoding")) == (200, sent)
        assert page.text == (tmp_path / "index.html").read_text()


def test_other_pages_may_ask_only_where_they_are_named(client, build):
    ask = {"origin": "https://example.org", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.ask(("OPTIONS", "/v1/predict", {"headers": ask}))[0].headers
    named = build(origins=["https://example.org"])
    assert named.ask(("OPTIONS", "/v1/predict", {"headers": ask}))[0].headers["access-control-allow-origin"] == ask["origin"]
    other = ask | {"origin": "https://example.com"}
    assert "access-control-allow-origin" not in named.ask(("OPTIONS", "/v1/predict", {"headers": other}))[0].headers


def test_what_watches_it(client):
    health, ready, model = client.ask(("GET", "/healthz", {}), ("GET", "/readyz", {}), ("GET", "/v1/model", {}))
    assert (health.json(), ready.json()) == ({"status": "ok"}, {"status": "ready"})
    assert model.json()["sha256"] == client.service.model["sha256"]
    client.post("/v1/predict", content=ASTRONAUT, headers=JPEG)
    (metrics,) = client.ask(("GET", "/metrics", {}))
    assert 'mien_requests_total{route="/v1/predict",status="200"}' in metrics.text
    assert "mien_faces_total" in metrics.text
    assert "mien_queue 0.0" in metrics.text


def test_one_that_ends_refuses_what_is_new_and_says_that_it_is_not_ready(build):
    client = build()
    client.service.draining = True
    assert client.ask(("GET", "/readyz", {}))[0].status_code == 503
    assert "ending" in problem(client.post("/v1/predict", content=ASTRONAUT, headers=JPEG), 503)


def test_unknown_places_and_methods_are_problems_too(client):
    problem(client.get("/v1/nothing"), 404)
    for path in ("/v1/predict", "/v1/classify"):
        response = client.get(path)
        assert response.headers["allow"] == "POST"
        problem(response, 405)
    assert client.post("/healthz").headers["allow"] == "GET"


@pytest.mark.parametrize("poison", [b"raise", b"die", pytest.param(b"hang", marks=pytest.mark.slow)])
def test_a_worker_that_fails_takes_no_other_request_with_it(build, poison):
    client = build(Limits(work_s=2), recognizer=Poisoned)
    good, bad = (("POST", "/v1/predict", {"content": picture, "headers": JPEG}) for picture in (ASTRONAUT, poison))
    responses = client.ask(good, bad, good, good, together=True)
    assert [response.status_code for response in responses] == [200, 500, 200, 200]
    assert "log says why" in problem(responses[1], 500)
    files = [("image", picture) for picture in (ASTRONAUT, poison, ASTRONAUT)]
    results = client.post("/v1/predict", files=files).json()["results"]
    assert [len(result["faces"]) for result in results] == [1, 0, 1]
    assert "failed" in results[1]["error"]
    assert client.service.batcher.held == 0
    crashes = 0 if poison == b"raise" else 4  # each time twice: with others, and alone
    assert f"mien_worker_crashes_total {crashes}.0" in client.get("/metrics").text


def test_what_no_worker_can_load_is_said_before_it_serves(build):
    with pytest.raises(UsageError, match=r"did not start .*no such engine here"):
        build(recognizer=Unbuildable)


def test_every_answer_has_an_id_and_security_headers_and_logs_tell_no_picture(client, caplog):
    caplog.set_level("INFO", "mien.serve")
    response = client.post("/v1/predict", files={"image": ("secret-name.jpg", ASTRONAUT, "image/jpeg")})
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in response.headers["content-security-policy"]
    client.post("/v1/predict", files={"image": ("secret-name.jpg", b"no picture", "image/jpeg")})
    client.get("/v1/secret-name", params={"secret-name": 1})
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "mien.serve"]
    assert [line["status"] for line in lines] == [200, 400, 404]
    assert lines[0]["id"] == response.headers["x-request-id"]
    assert lines[0]["route"] == "/v1/predict"
    assert len({line["id"] for line in lines}) == 3
    assert "secret-name" not in json.dumps(lines)


def test_a_failure_that_nobody_foresaw_is_answered_as_all_else_and_logged_with_its_id(client, monkeypatch, caplog):
    caplog.set_level("INFO", "mien.serve")
    monkeypatch.delattr(client.service, "about")
    response = client.get("/v1/model")
    assert "log says why" in problem(response, 500)
    assert (response.headers["x-content-type-options"], response.headers["cache-control"]) == ("nosniff", "no-store")
    failed, answered = (json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "mien.serve")
    assert (failed["id"], failed["level"]) == (response.headers["x-request-id"], "error")
    assert "AttributeError" in failed["error"]
    assert (answered["id"], answered["status"]) == (failed["id"], 500)


def test_an_answer_that_fails_on_the_way_is_broken_off():
    """What was begun cannot become a problem document: the connection ends."""
    sent = []

    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("half")

    async def keep(message):
        sent.append(message["status"])

    with pytest.raises(ValueError, match="half"):
        asyncio.run(Envelope(half, Metrics(), ())({"type": "http", "path": "/"}, None, keep))
    assert sent == [200]


def test_a_failures_traceback_is_one_line_of_json():
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 1, "a batch of %d failed", (3,), (ValueError, error, error.__traceback__)
        )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["message"]) == ("error", "a batch of 3 failed")
    assert "ValueError: two" in line["error"]


def test_the_reference_reads_without_anything_from_elsewhere(client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "//" not in page.text.replace("application/", "").split("<body>")[-1].replace("http://", "!")
    assert "POST /v1/predict" in page.text
    assert "the body had not arrived" in page.text


def test_the_description_has_an_example_of_every_answer_that_fits_its_schema(client):
    jsonschema = pytest.importorskip("jsonschema_rs")

    document = client.get("/openapi.json").json()
    answers = document["paths"]["/v1/predict"]["post"]["responses"]
    assert {"200", "400", "401", "408", "413", "415", "422", "429", "500", "503"} == answers.keys()
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for content in answer["content"].values():
                    named = [example["value"] for example in content.get("examples", {}).values()] or [content["example"]]
                    for value in named:
                        jsonschema.validate(content["schema"], value)


def test_real_answers_fit_the_schemas(client):
    jsonschema = pytest.importorskip("jsonschema_rs")

    paths = client.get("/openapi.json").json()["paths"]
    files = [("image", ASTRONAUT), ("image", b"no picture"), ("image", ASTRONAUT)]
    for path in ("/v1/predict", "/v1/classify"):
        schema = paths[path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        for asked in ({"content": ASTRONAUT, "headers": JPEG}, {"files": files}):
            jsonschema.validate(schema, client.post(path, **asked).json())
    schema = paths["/v1/model"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(schema, client.get("/v1/model").json())
