"""The preview: an edit is on the page, a mistake above it, and nobody else can read either."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from analysis.__main__ import main

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A copy of the project whose words may be edited, and the address at which its preview is served."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("analysis", "notebooks", "data"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [
        sys.executable,
        "-c",
        # SIGINT is off where tests run behind.
        "import signal, webbrowser; signal.signal(signal.SIGINT, signal.default_int_handler); webbrowser.open = print\n"
        "import analysis.__main__ as it\nit.main()",
    ]
    process = subprocess.Popen(
        [*command, "preview"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield folder, process.stdout.readline().strip()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert said == "stopped\n"


def get(address):
    """Status and text of an answer."""
    try:
        with urlopen(address) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, ""


def state(address, wanted):
    """What the page asks for, when it is as wanted."""
    for _ in range(1200):
        status, text = get(f"{address}state.json")
        if status == 200 and wanted(found := json.loads(text)):  # else the first page is not built yet
            return found
        time.sleep(0.1)
    raise AssertionError(f"after two minutes: {status} {text}")


def page(address):
    return get(f"{address}report.html")[1]


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_page_follows_what_is_edited(desk):
    folder, address = desk
    before = state(address, lambda it: it["version"])["version"]

    edit(folder / "analysis/text/en/europe.md", "\n- ", "\n- A sentence to try.\n- ")
    before = state(address, lambda it: it["version"] > before)["version"]
    assert "A sentence to try." in page(address)

    edit(folder / "data/events.csv", "TikTok pilots live e-commerce", "TikTok tries out live e-commerce")
    edit(
        folder / "data/facts.csv",
        "P0093,TikTok Shop,US,gmv_target,2024,17.5,",
        "P0093,TikTok Shop,US,gmv_target,2024,18.25,",
    )
    before = state(address, lambda it: it["version"] > before and "18.25" in page(address))["version"]

    edit(folder / "data/facts.csv", ",18.25,", ",about 18,")
    problem = state(address, lambda it: it["problem"])["problem"]
    assert "facts.csv, line " in problem and "column value: 'about 18'" in problem
    assert "18.25" in page(address)  # the last good page

    edit(folder / "data/facts.csv", ",about 18,", ",17.75,")
    state(address, lambda it: not it["problem"] and it["version"] > before)
    assert "17.75" in page(address)


def test_only_who_knows_the_token_can_read_it(desk):
    _, address = desk
    assert address.startswith("http://127.0.0.1:")
    host, token = address[:-1].rsplit("/", 1)
    for path in ("", "report.html", f"{token[:-1]}/report.html", f"{token}/../report.html", f"{token}/other.html"):
        assert get(f"{host}/{path}")[0] == 404


def test_it_listens_to_this_machine_alone(desk):
    _, address = desk
    port = urlsplit(address).port
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError):  # what listens on all addresses would answer on this one too
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_quarter_that_cannot_be_built_is_refused_as_by_build(capsys):
    said = []
    for command in ("build", "preview"):
        assert main([command, "2031Q2"]) == 1
        said.append(capsys.readouterr().err)
    assert said[0] == said[1]
    assert "quarter is '2031Q2'. Allowed: " in said[0]
