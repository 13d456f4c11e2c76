"""The notebooks in a real JupyterLab, as `make lab` opens it: every chart and table is drawn, and can be read."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from reports import lacking

from analysis.publish import manifest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROJECT = manifest.NOTEBOOKS.parent
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
APPUTILS = "@jupyterlab/apputils-extension"
# Of a picture on its ground, the share of points that stand out from it; of a table, the contrast of its words.
CONTRAST = """
const linear = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4
const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b)
const contrast = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05)
const colour = text => text.match(/[\\d.]+/g).map(Number)
const ground = node => {
    const [r, g, b, a = 1] = colour(getComputedStyle(node).backgroundColor)
    return a ? [r, g, b] : ground(node.parentElement)
}"""
PICTURES = f"""async () => {{ {CONTRAST}
    return Promise.all([...document.querySelectorAll('.jp-RenderedSVG img')].map(async image => {{
        await image.decode()
        const [width, height, under] = [image.naturalWidth, image.naturalHeight, ground(image)]
        const canvas = Object.assign(document.createElement('canvas'), {{width, height}}), pen = canvas.getContext('2d')
        pen.fillStyle = `rgb(${{under}})`
        pen.fillRect(0, 0, width, height)
        pen.drawImage(image, 0, 0)
        const points = pen.getImageData(0, 0, width, height).data
        let seen = 0
        for (let n = 0; n < points.length; n += 4) seen += contrast(points.slice(n, n + 3), under) >= 3
        return seen / width / height
    }}))
}}"""
TABLES = f"""() => {{ {CONTRAST}
    const worst = table => Math.min(...[...table.querySelectorAll('td')].map(
        cell => contrast(colour(getComputedStyle(cell).color), ground(cell))))
    return [...document.querySelectorAll('.jp-OutputArea table')].map(worst)
}}"""


@pytest.fixture(scope="module", params=THEMES)
def lab(request, tmp_path_factory):
    """A copy of the project with JupyterLab on it, by the lines of the Makefile, in a theme: folder and address."""
    if not find_spec("jupyterlab"):
        lacking("JupyterLab; make .venv/lab.installed")
    base = tmp_path_factory.mktemp("lab")
    for name in ("analysis", "notebooks", "data"):
        shutil.copytree(PROJECT / name, base / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = base / "settings" / APPUTILS
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(f'{{"theme": "{THEMES[request.param]}"}}')
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    recipe = re.search(r"(?m)^lab:.*\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text())[1]
    options = f"--no-browser --allow-root --port {port} --IdentityProvider.token=known"
    script = "set -e\n" + recipe.replace("$(RUN)", sys.executable).replace("$(LAB)", options)
    own = {f"JUPYTER_{kind}_DIR": str(base / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with open(base / "log", "w") as log:
        whole = {"cwd": base / "project", "env": os.environ | own, "stdout": log, "stderr": log}
        server = subprocess.Popen(["sh", "-c", script], **whole, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urlopen(f"{address}/api/status?token=known").close()
            break
        except OSError:
            assert server.poll() is None, (base / "log").read_text()
            time.sleep(0.5)
    yield base / "project", address
    os.killpg(server.pid, 9)
    server.wait()


def test_every_chart_and_table_is_drawn_and_legible_and_saving_what_was_not_changed_changes_nothing(lab, browser):
    folder, address = lab
    before = {path: path.read_bytes() for path in sorted((folder / "notebooks").glob("*.ipynb"))}
    for path in before:
        outputs = [o for cell in nbformat.read(path, as_version=4).cells for o in cell.get("outputs", [])]
        charts = [o for o in outputs if "image/svg+xml" in o.data]
        tables = sum(o.data.get("text/html", "").count("<table") for o in outputs)
        page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        page.goto(f"{address}/lab/workspaces/{path.stem}/tree/notebooks/{path.name}?token=known")
        page.locator(".jp-RenderedSVG img").nth(len(charts) - 1).wait_for(state="attached", timeout=60_000)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        seen, contrasts = page.evaluate(PICTURES), page.evaluate(TABLES)
        assert (len(seen), len(contrasts)) == (len(charts), tables), path.name
        assert min(seen) > 0.005 and min(contrasts) >= 4.5, path.name
        page.locator(".jp-Notebook:visible .jp-MarkdownCell").first.click()
        with page.expect_response(lambda answer: answer.request.method == "PUT" and "contents" in answer.url) as saved:
            page.keyboard.press("Control+s")
        assert saved.value.ok
        page.context.close()
    assert {path: path.read_bytes() for path in before} == before
