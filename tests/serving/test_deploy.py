"""deploy/: what of it can be tried without a container engine, a systemd that runs, or Grafana."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from tests.serving.running import ASTRONAUT, JPEG, TOKEN, Client

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
yaml = pytest.importorskip("yaml")


def instructions():
    """The Containerfile's, in order: (word, what follows it)."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text())
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line and not line.startswith("#")]


def of(word):
    return [rest for found, rest in instructions() if found == word]


def unit(name):
    """The values of a setting of the systemd unit."""
    return re.findall(rf"^{name}=(.*)$", (DEPLOY / "mien.service").read_text(), re.M)


class Command:
    """A command of deploy/ as it stands, but for paths and the port; ended by SIGTERM."""

    def __init__(self, words, folder, **options):
        self._errors = folder / "errors.txt"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(words, stderr=errors, stdout=subprocess.DEVNULL, **options)
        end_s = time.monotonic() + 60
        while not (found := re.search(r"http://\S+:(\d+)/", self._errors.read_text())):
            assert self.process.poll() is None, self._errors.read_text()
            assert time.monotonic() < end_s
            time.sleep(0.05)
        self.address = f"http://127.0.0.1:{found[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        self.code = self.process.wait(20)

    def ask(self, token):
        """Status of an answer to a picture."""
        headers = JPEG | {"authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{self.address}/v1/predict", ASTRONAUT, headers)
        try:
            return urllib.request.urlopen(request, timeout=30).status
        except urllib.error.HTTPError as error:
            return error.code


def test_the_image_runs_as_nobody_on_a_pinned_base_with_a_health_check():
    bases = {rest.split(" ")[0] for rest in of("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", bases.pop())
    words = [word for word, _ in instructions()]
    assert of("USER") == ["10001:10001"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "/readyz" in of("HEALTHCHECK")[0]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert compose["services"]["mien"]["tmpfs"]
    assert json.loads(of("CMD")[0]) == compose["services"]["mien"]["command"]


def test_what_compose_names_is_there():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    build = compose["services"]["mien"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    assert all((DEPLOY / volume.split(":")[0]).is_file() for volume in ["./prometheus.yml:"])
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == ["mien:8000"]
    assert Path(scraped["authorization"]["credentials_file"]).name in compose["services"]["prometheus"]["secrets"]
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    assert all(re.search(r":v?\d+\.\d+\.\d+$", image) for image in images)


@pytest.fixture(scope="module")
def names(importable):
    """Of the series that the service gives."""
    with Client() as client:
        client.post("/v1/predict", content=ASTRONAUT, headers=JPEG)
        client.post("/v1/predict", content=b"", headers=JPEG)
        text = client.get("/metrics").text
    return set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.M))


def test_every_panel_asks_for_series_that_exist(names):
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    found = {name for expr in asked for name in re.findall(r"\b(?:mien|process)_[a-z_]+", expr)}
    assert len(asked) >= 8
    assert found <= names
    ours = {name for name in names if name.startswith("mien_") and not name.endswith("_created")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}
    assert shown - {re.sub(r"_(bucket|sum|count)$", "", name) for name in found} == set()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_no_fault_with_the_unit(tmp_path):
    text = (DEPLOY / "mien.service").read_text().replace("/opt/mien/bin/mien", str(Path(sys.executable)))
    (tmp_path / "mien.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / "mien.service"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    graded = subprocess.run(["systemd-analyze", "security", "--offline=true", tmp_path / "mien.service"],
                            capture_output=True, text=True)  # fmt: skip
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", graded.stdout)[1]) <= 2


def deny_writable_code():
    """What MemoryDenyWriteExecute=yes asks of the kernel (PR_SET_MDWE, Linux 6.3); older ones refuse, and go without."""
    import ctypes

    ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)


def test_the_units_command_runs_with_its_credentials_and_ends_by_sigterm(tmp_path):
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")
    (start,) = unit("ExecStart")
    words = shlex.split(start.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path)).replace("--port 8000", "--port 0"))
    assert words[:2] == ["/opt/mien/bin/mien", "serve"]
    assert unit("LoadCredential") == ["tokens:/etc/mien/tokens"]
    with Command([sys.executable, "-m", "mien", *words[1:]], tmp_path, preexec_fn=deny_writable_code) as running:
        assert running.ask(TOKEN) == 200
        assert running.ask("another") == 401
    assert running.code == 0


def replay(folder):
    """The build stage's COPY and RUN lines, in a folder of their own instead of the image's root."""
    source = folder / "src"
    source.mkdir()
    for word, rest in instructions()[:-1]:
        if word == "FROM" and not rest.endswith("AS build"):
            return
        if word == "COPY":
            copied = rest.split()
            for name in copied[:-1]:
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, source / (name if copied[-1] == "src" else ""))
        if word == "RUN":
            line = rest.replace("/opt/mien", str(folder / "mien"))
            line = line.replace("python -m venv", f"{sys.executable} -m venv")
            subprocess.run(line, shell=True, cwd=source, check=True, env=clean_environment(), capture_output=True, timeout=400)


def clean_environment():
    """Without what this checkout's own environment would lend it."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def reach_python():
    """Shell words that let others reach this Python, in a mount namespace, where it lies in a folder that is root's own."""
    home, top = Path(sys.base_prefix), Path(*Path(sys.base_prefix).parts[:2])
    if top.stat().st_mode & 0o001:
        return ""
    return (
        f"mount --bind {home} /mnt && mount -t tmpfs -o mode=755 none {top} && mkdir -p {home} && mount --move /mnt {home} && "
    )


@pytest.fixture
def open_folder():
    """One that others can read, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to become another user")
def test_the_images_steps_make_what_its_command_starts_as_nobody_on_a_read_only_disk(open_folder):
    replay(open_folder)
    (open_folder / "tokens").write_text(TOKEN)
    words = [*json.loads(of("ENTRYPOINT")[0]), *json.loads(of("CMD")[0])]
    assert shlex.join(words) == "mien serve --host 0.0.0.0 --port 8000 --token-file /run/secrets/tokens"
    words = [
        str(open_folder / "mien/bin/mien"),
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--token-file",
        str(open_folder / "tokens"),
    ]
    user, group = of("USER")[0].split(":")
    line = "mount -o bind,remount,ro / && exec setpriv --reuid {} --regid {} --clear-groups --no-new-privs {}"
    line = reach_python() + line.format(user, group, shlex.join(words))
    settings = dict(pair.split("=", 1) for pair in shlex.split(of("ENV")[0]))
    with Command(["unshare", "--mount", "sh", "-c", line], open_folder, env=settings, cwd="/") as running:
        assert running.ask(TOKEN) == 200
        owner = Path(f"/proc/{running.process.pid}").stat().st_uid
        assert owner == 10001
        check = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])
        code = check[2].replace("http://127.0.0.1:8000", running.address)
        subprocess.run([str(open_folder / "mien/bin/python"), "-c", code], check=True, timeout=10)
    assert running.code == 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("prometheus"), reason="no Prometheus here")
def test_prometheus_reads_the_service_and_every_panel_gets_numbers(run, tmp_path):
    """With deploy/prometheus.yml, but for the address, the token's path and how often it looks."""
    service = run(MIEN_TOKENS=TOKEN)
    (tmp_path / "metrics_token").write_text(f"{TOKEN}\n")
    text = (DEPLOY / "prometheus.yml").read_text().replace("mien:8000", f"127.0.0.1:{service.port}")
    text = text.replace("/run/secrets/metrics_token", str(tmp_path / "metrics_token")).replace("15s", "1s")
    (tmp_path / "prometheus.yml").write_text(text)
    words = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             "--web.listen-address=127.0.0.1:9123"]  # fmt: skip
    prometheus = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with service.client(headers={"authorization": f"Bearer {TOKEN}"}) as client:
            for _ in range(8):
                assert client.post("/v1/predict", content=ASTRONAUT, headers=JPEG).status_code == 200
                assert client.post("/v1/predict", content=b"", headers=JPEG).status_code == 400
                time.sleep(1)
        dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                assert query(target["expr"].replace("$__rate_interval", "10s")), panel["title"]
    finally:
        prometheus.terminate()
        prometheus.wait(20)


def query(expression):
    """The series that Prometheus gives for it."""
    address = f"http://127.0.0.1:9123/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    return json.load(urllib.request.urlopen(address, timeout=10))["data"]["result"]
