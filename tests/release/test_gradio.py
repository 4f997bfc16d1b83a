"""The Gradio page of examples/ answers as mien does, in an environment with the wheel and Gradio alone."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien import Recognizer

ROOT = Path(__file__).parents[2]
ASK = """
import json, sys
from gradio_client import Client, handle_file
picture, label = Client(sys.argv[1], verbose=False).predict(handle_file("examples/astronaut.jpg"), api_name="/read")
print(json.dumps({each["label"]: each["confidence"] for each in label["confidences"]}))
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_gradio_page_answers_as_mien_does(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "env" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, tmp_path / "env"], check=True)
    subprocess.run([*uv, "pip", "install", "--python", python, wheel, "gradio"], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": "",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
    }
    server = subprocess.Popen([python, "examples/gradio_demo.py"], cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + 120
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        asked = [python, "-c", ASK, f"http://127.0.0.1:{port}"]
        answer = subprocess.run(asked, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=120)
    finally:
        server.terminate()
        server.wait(30)
    (face,) = Recognizer().predict(ROOT / "examples" / "astronaut.jpg").faces
    assert json.loads(answer.stdout) == pytest.approx(dict(face.probs), abs=1e-6)
