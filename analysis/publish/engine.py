"""A papermill engine that runs a notebook in a process forked from this one: no kernel to start, no sockets.

What this process has imported, the notebook need not import again; what the notebook does, no other sees. The child
sends what a kernel would publish, and nbclient makes the outputs of it, so that they are those of a kernel.
A notebook of ten short cells takes 0.12 processor seconds so, 1.03 with a kernel; IPython's `capture_output` loses the
order of prints and displays, and the number of a result.
"""

from __future__ import annotations

import builtins
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from ipykernel.jsonutil import encode_images, json_clean
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NBClientEngine
from papermill.log import logger
from tqdm import tqdm
from traitlets import Any, Type
from traitlets.config import Config

from analysis.publish import workers
from analysis.publish.workers import Charts

tqdm.monitor_interval = 0  # the thread that watches papermill's progress bar would stand in the way of the fork


class ForkedEngine(Engine):
    """`papermill --engine forked`; papermill's own engine where this process cannot fork.

    A cell that runs longer than `execution_timeout` seconds, or whose process dies, gets an error output like one that
    raises, so that papermill names the cell. Charts are drawn by `charts`, a `workers.Charts`, if given.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, execution_timeout=None, charts=None, **kwargs) -> None:
        if workers.way() != "fork":
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, execution_timeout=execution_timeout, **kwargs)
            return
        given = {name: kwargs.get(name) for name in ("log_output", "stdout_file", "stderr_file")}
        client = PapermillNotebookClient(nb_man, log=logger, record_timing=False, **given)
        client.reset_execution_trackers()
        fork = multiprocessing.get_context("fork")
        pipe, theirs = fork.Pipe()
        with tempfile.TemporaryDirectory() as home:
            process = fork.Process(target=_serve, args=(theirs, home, charts))
            process.start()
            theirs.close()
            try:
                for index, cell in enumerate(nb_man.nb.cells):
                    nb_man.cell_start(cell, index)
                    try:
                        _execute(process, pipe, client, cell, index, execution_timeout)
                    except CellExecutionError as error:
                        nb_man.cell_exception(cell, cell_index=index, exception=error)
                        break
                    finally:
                        nb_man.cell_complete(cell, cell_index=index)
            finally:
                with suppress(ProcessLookupError):  # its group, with all that it started, is not there yet, or no more
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()
                process.join()


def _execute(process: BaseProcess, pipe: Connection, client, cell: NotebookNode, index: int, limit) -> None:
    """Have one cell run, and write down what it gives; a CellExecutionError if it fails and is not allowed to."""
    tags = cell.metadata.get("tags", [])
    if cell.cell_type != "code" or not cell.source.strip() or client.skip_cells_with_tag in tags:
        return
    client.clear_before_next_output = False
    deadline = time.monotonic() + limit if limit else None
    failure = {"ename": "CellTimeoutError", "evalue": f"the cell ran longer than its limit of {limit or 0:g} s"}
    try:
        pipe.send(cell.source)
        while pipe.poll(None if deadline is None else max(0, deadline - time.monotonic())):
            message = pipe.recv()
            if message["msg_type"] == "execute_reply":
                failure = message["content"]
                break
            client.process_message(message, cell, index)
    except (EOFError, OSError):
        process.join(1)  # it may take a moment from the end of its pipe to its own
        code = process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        failure = {"ename": "DeadKernelError", "evalue": f"the notebook's process {how}"}
    if "ename" in failure and "traceback" not in failure:  # it could not say so itself
        failure["traceback"] = [f"{failure['ename']}: {failure['evalue']}"]
        client.process_message(_message("error", failure), cell, index)
    elif not failure or "raises-exception" in tags:
        return
    raise CellExecutionError.from_cell_and_msg(cell, failure | {"status": "error"})


def _message(message_type: str, content: dict) -> dict:
    """As a kernel would send it."""
    kind = {"msg_type": message_type}
    return {"header": kind, **kind, "parent_header": {}, "content": content}


# In the child ---------------------------------------------------------------------------------------


def _serve(pipe: Connection, home: str, charts: Charts | None) -> None:
    """Run the cells that are sent, in one shell that keeps its own things in a folder `home`; the parent ends it."""
    workers.belong_to_parent()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # or all children would draw the same; Python's own does so by itself
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # By itself it would use the user's home, and warn in the first cell where there is none.
    shell = _Shell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=home, pipe=pipe)
    if charts:
        svg = shell.display_formatter.formatters["image/svg+xml"]
        svg.for_type_by_name("analysis.story.charts", "Drawing", lambda drawing: charts.draw(drawing.spec))
    while True:
        source = pipe.recv()
        shell.send("execute_input", execution_count=shell.execution_count)
        shell.failure = {}
        shell.run_cell(source, store_history=True)
        shell.send("execute_reply", **shell.failure)


class _Publisher(DisplayPublisher):
    """What `display` shows."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **kwargs) -> None:
        kind = "update_display_data" if update else "display_data"
        shown = {"data": encode_images(data), "metadata": metadata or {}, "transient": transient or {}}
        self.shell.send(kind, **json_clean(shown))

    def clear_output(self, wait: bool = False) -> None:
        self.shell.send("clear_output", wait=wait)


class _Hook(DisplayHook):
    """What the last line of a cell gives."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        shown = json_clean({"data": encode_images(format_dict), "metadata": md_dict or {}})
        self.shell.send("execute_result", execution_count=self.prompt_count, **shown)


class _Shell(InteractiveShell):
    """IPython without a terminal: it sends what a kernel would publish."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    pipe = Any()
    failure = Any()

    def __init__(self, **given):
        self.printed = {}
        for number, name in enumerate(("stdout", "stderr"), start=1):  # a program that a cell starts prints there, too
            self.printed[name] = file = tempfile.TemporaryFile()  # noqa: SIM115
            os.dup2(file.fileno(), number)
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        super().__init__(**given)
        builtins.input = self.raw_input

    def send(self, message_type: str, **content: object) -> None:
        """Send a message after what was printed before it, in one piece, as a kernel does."""
        for name, file in self.printed.items():
            getattr(sys, name).flush()
            if size := os.fstat(file.fileno()).st_size:
                text = os.pread(file.fileno(), size, 0).decode(errors="replace")
                file.seek(0)  # for whoever shares it, too
                file.truncate()
                self.pipe.send(_message("stream", {"name": name, "text": text}))
        self.pipe.send(_message(message_type, content))

    def _showtraceback(self, etype, evalue, stb) -> None:  # IPython's documented place for it
        self.failure = {"ename": etype.__name__, "evalue": str(evalue), "traceback": list(stb)}
        self.send("error", **self.failure)

    def ask_exit(self) -> None:
        os._exit(0)

    def raw_input(self, prompt: str = "") -> str:
        raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")
