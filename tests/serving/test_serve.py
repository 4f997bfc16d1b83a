"""`mien serve` as a process of its own: how it starts, whom it lets in, what it bears, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from tests.serving.running import ASTRONAUT, JPEG, PICTURES, TOKEN, problem, read_all

from mien import Recognizer
from mien.errors import lacking
from mien.serving.limits import Limits
from mien.serving.run import serve

HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: mien\r\ncontent-type: image/jpeg\r\ncontent-length: %d\r\n\r\n" % len(ASTRONAUT)


def mien(*options, **environment):
    """A start that fails: exit code and the line on stderr."""
    done = subprocess.run([sys.executable, "-m", "mien", "serve", *options], env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = mien("--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "cannot be opened (Address already in use)" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "needs a token"),
        (["--host", "127.0.0.2"], "needs a token"),
        (["--host", "192.0.2.7", "--token-file", "tokens"], "cannot be opened"),
        (["--token-file", "missing"], "No such file"),
        (["--token-file", "short"], "fewer than 16"),
        (["--model", "men"], "Did you mean 'mien'"),
        (["--engine", "tflite"], "unknown engine"),
    ],
)
def test_what_it_cannot_start_with_is_one_line(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    Path("tokens").write_text(TOKEN)
    Path("short").write_text("secret")
    code, said = mien(*options, "--port", "0")
    assert code == 2
    assert words in said


def test_tokens_come_from_a_file_and_from_the_environment_and_show_in_no_process_list(run, tmp_path):
    (tmp_path / "tokens").write_text(f"# ours\n  # theirs\n{TOKEN}\n\n another-token-of-length \n")
    service = run("--token-file", str(tmp_path / "tokens"), MIEN_TOKENS="third-token-of-length fourth-token-of-length")
    with service.client() as client:
        problem(client.post("/v1/predict", content=ASTRONAUT, headers=JPEG), 401)
        for token in (TOKEN, "another-token-of-length", "third-token-of-length", "fourth-token-of-length"):
            headers = JPEG | {"authorization": f"Bearer {token}"}
            assert client.post("/v1/predict", content=ASTRONAUT, headers=headers).status_code == 200
            assert token not in service.stderr
        for pid in (service.process.pid, *service.workers()):
            assert b"token-of" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_which_faces_count_is_set_for_the_service(run):
    several = (PICTURES / "several.jpg").read_bytes()
    expected = Recognizer(min_face_px=30, max_faces=2, threshold=0.6).predict(several).to_dict()["faces"]
    assert len(expected) == 2
    service = run("--workers", "1", "--min-face", "30", "--max-faces", "2", "--threshold", "0.6")
    with service.client() as client:
        answer = client.post("/v1/predict", content=several, headers=JPEG).json()
    assert answer["faces"] == json.loads(json.dumps(expected))


def ask_in_background(service, connection, body):
    """The rest of a request, sent and answered beside the test."""
    answer = []

    def send():
        connection.sendall(body)
        answer.append(read_all(connection))

    thread = threading.Thread(target=send)
    thread.start()
    return thread, answer


def test_sigterm_lets_what_is_under_way_finish_and_refuses_what_is_new(run):
    service = run()
    with service.connect() as connection, service.client() as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        connection.sendall(HEAD + ASTRONAUT[:1000])
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        ready = client.get("/readyz")  # not ready before the port closes
        assert (ready.status_code, ready.json()) == (503, {"status": "ending"})
        assert client.get("/healthz").status_code == 200
        refused = client.post("/v1/predict", content=ASTRONAUT, headers=JPEG)
        assert "ending" in problem(refused, 503)
        assert refused.headers["retry-after"] == "5"
        time.sleep(1.2)
        assert service.process.poll() is None
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.address}healthz")
        thread, answer = ask_in_background(service, connection, ASTRONAUT[1000:])
        thread.join(20)
        assert answer[0].startswith(b"HTTP/1.1 200")
        assert b'"emotion":"happiness"' in answer[0]
    workers = service.workers()
    assert service.process.wait(10) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_ctrl_c_ends_it_at_once_and_its_workers_with_it(run):
    service = run()
    workers = service.workers()
    assert len(workers) == len(os.sched_getaffinity(0))
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 130
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert "Traceback" not in service.stderr


def test_ctrl_c_counts_where_uvicorn_ends_as_if_all_were_well(monkeypatch):
    def run_and_return(server, sockets):
        server.started = True
        server.handle_exit(signal.SIGINT, None)

    monkeypatch.setattr(uvicorn.Server, "run", run_and_return)
    with pytest.raises(KeyboardInterrupt):
        serve(None, SimpleNamespace(limits=Limits(), draining=False), None)


def test_workers_outlive_no_service_that_was_killed(run):
    service = run()
    workers = service.workers()
    service.process.kill()
    service.process.wait()
    end_s = time.monotonic() + 20
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < end_s
        time.sleep(0.05)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_workers_that_are_killed_cost_no_request(run):
    service = run("--workers", "2")
    with service.client() as client:
        for _ in range(3):
            for pid in service.workers():
                os.kill(pid, signal.SIGKILL)
            assert client.post("/v1/predict", content=ASTRONAUT, headers=JPEG).json()["faces"]


@pytest.mark.parametrize("chunked", [False, True])
def test_eighty_million_zeros_are_refused_before_they_are_held(service, chunked):
    before = resident(service.process.pid)

    def zeros():
        for _ in range(80):
            yield bytes(1_000_000)

    with service.client() as client:
        body = zeros() if chunked else bytes(80_000_000)
        assert "larger" in problem(client.post("/v1/predict", content=body, headers=JPEG), 413)
    assert peak(service.process.pid) - before < 80_000_000


def resident(pid):
    return memory(pid, "VmRSS")


def peak(pid):
    return memory(pid, "VmHWM")


def memory(pid, name):
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


BROKEN = [
    b"\x16\x03\x01 not HTTP\r\n\r\n",
    b"GET /v1/model HTTP/1.1\r\n\r\n",
    b"POST /v1/predict HTTP/1.1\r\ncontent-length: x\r\n\r\n",
]


@pytest.mark.parametrize("sent", BROKEN)
def test_what_is_no_http_gets_a_problem_and_the_next_is_served(service, sent):
    with service.connect() as connection:
        connection.sendall(sent)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in answer
    with service.client() as client:
        assert client.get("/healthz").status_code == 200
    assert "Traceback" not in service.stderr


def test_who_goes_away_in_the_middle_disturbs_nobody(service):
    for _ in range(20):
        with service.connect() as connection:
            connection.sendall(HEAD + ASTRONAUT[:5000])
    with service.client() as client:
        assert client.post("/v1/predict", content=ASTRONAUT, headers=JPEG).status_code == 200
        assert "mien_queue 0.0" in client.get("/metrics").text
    assert "Traceback" not in service.stderr


def test_without_its_extra_it_says_what_to_install():
    code = "import sys; sys.modules['fastapi'] = None; sys.argv = ['mien', 'serve']; from mien.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, f"mien: {lacking('mien serve needs fastapi', 'serve')}\n")
