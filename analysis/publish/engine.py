"""A papermill engine that runs a notebook in a process forked from this one: no kernel to start, no sockets.

What this process has imported, the notebook need not import again; what the notebook does, no other sees. The child
sends what a kernel would publish, and nbclient makes the outputs of it, so that they are those of a kernel.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import tempfile
import threading
import time
from functools import partial
from multiprocessing.connection import Connection

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

from analysis.publish import forks

LANGUAGE = {  # as ipykernel describes itself
    "name": "python",
    "version": sys.version.split()[0],
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": sys.version_info.major},
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "file_extension": ".py",
}


class ForkedEngine(Engine):
    """`papermill --engine forked`; papermill's own engine where this process cannot fork.

    A cell that runs longer than `execution_timeout` seconds, or whose process dies, gets an error output like one that
    raises, so that papermill names the cell.
    """

    @classmethod
    def execute_notebook(cls, *args, **kwargs) -> NotebookNode:
        tqdm.monitor_interval = 0  # the thread that watches a progress bar would stand in the way of the fork
        return super().execute_notebook(*args, **kwargs)

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, execution_timeout=None, **kwargs) -> None:
        if not forks.possible():
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, execution_timeout=execution_timeout, **kwargs)
            return
        logs = {name: kwargs.get(name) for name in ("stdout_file", "stderr_file")}
        client = PapermillNotebookClient(
            nb_man, log=logger, log_output=bool(kwargs.get("log_output")), record_timing=False, **logs
        )
        client.reset_execution_trackers()
        with tempfile.TemporaryDirectory() as home:
            cls._execute_cells(nb_man, client, forks.Child(partial(_serve, home)), execution_timeout)
        nb_man.nb.metadata["language_info"] = LANGUAGE

    @staticmethod
    def _execute_cells(nb_man, client: PapermillNotebookClient, child: forks.Child, limit: float | None) -> None:
        try:
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                try:
                    _execute(child, client, cell, index, limit)
                except CellExecutionError as error:
                    nb_man.cell_exception(cell, cell_index=index, exception=error)
                    break
                finally:
                    nb_man.cell_complete(cell, cell_index=index)
        finally:
            child.end()


def _execute(child: forks.Child, client: PapermillNotebookClient, cell: NotebookNode, index: int, limit) -> None:
    """Have one cell run, and write down what it gives.

    Raises
    ------
    CellExecutionError
        If it fails, and is not tagged `raises-exception`.
    """
    tags = cell.metadata.get("tags", [])
    if cell.cell_type != "code" or not cell.source.strip() or client.skip_cells_with_tag in tags:
        return
    client.clear_before_next_output = False
    deadline = time.monotonic() + limit if limit else None
    try:
        child.outbox.send(cell.source)
        while True:
            if not child.inbox.poll(None if deadline is None else max(0, deadline - time.monotonic())):
                child.end()
                failure = {"ename": "CellTimeoutError", "evalue": f"the cell ran longer than its limit of {limit:g} s"}
                break
            message = child.inbox.recv()
            if message["msg_type"] == "execute_reply":
                failure = message["content"]
                break
            client.process_message(message, cell, index)
    except (EOFError, OSError):
        failure = {"ename": "DeadKernelError", "evalue": f"the notebook's process {child.end(forks.GRACE)}"}
    if not failure:
        return
    if "traceback" not in failure:  # it could not say so itself
        failure |= {"status": "error", "traceback": [f"{failure['ename']}: {failure['evalue']}"]}
        client.process_message(_message("error", failure), cell, index)
    elif "raises-exception" in tags:
        return
    raise CellExecutionError.from_cell_and_msg(cell, failure)


def _message(message_type: str, content: dict) -> dict:
    """As a kernel would send it."""
    kind = {"msg_type": message_type}
    return {"header": kind, **kind, "parent_header": {}, "content": content}


# In the child ---------------------------------------------------------------------------------------


def _serve(home: str, inbox: Connection, outbox: Connection) -> None:
    """Run the cells that are sent, in one shell that keeps its own things in a folder `home`; the parent ends it."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # or all children would draw the same; Python's own does so by itself
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sent = threading.Lock()  # a cell may start threads that print

    def send(message_type: str, **content: object) -> None:
        with sent:
            outbox.send(_message(message_type, content))

    sys.stdout, sys.stderr = streams = _Stream("stdout", send), _Stream("stderr", send)
    # What a program that a cell starts prints on its own, past sys.stdout.
    files = [tempfile.TemporaryFile() for _ in streams]  # noqa: SIM115
    for number, file in enumerate(files, start=1):
        os.dup2(file.fileno(), number)
    # By itself it would use the user's home, and warn in the first cell where there is none.
    shell = _Shell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=home, send=send)
    builtins.input = shell.raw_input
    while True:
        source = inbox.recv()
        send("execute_input", execution_count=shell.execution_count)
        shell.failure = {}
        shell.run_cell(source, store_history=True)
        for stream, file in zip(streams, files, strict=True):
            stream.flush()
            if size := os.fstat(file.fileno()).st_size:
                send("stream", name=stream.name, text=os.pread(file.fileno(), size, 0).decode(errors="replace"))
                file.seek(0)  # for whoever shares it, too
                file.truncate()
        send("execute_reply", **shell.failure)


class _Stream(io.StringIO):
    """sys.stdout or sys.stderr of a notebook: a kernel, too, sends what gathers there in one piece."""

    def __init__(self, name: str, send):
        super().__init__()
        self.name, self._send = name, send

    def flush(self) -> None:
        if text := self.getvalue():
            self.seek(0)
            self.truncate()
            self._send("stream", name=self.name, text=text)


def _flush() -> None:
    """Keep the order of what is printed and what is shown."""
    sys.stdout.flush()
    sys.stderr.flush()


class _Publisher(DisplayPublisher):
    """What `display` shows."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **kwargs) -> None:
        self._validate_data(data, metadata)
        _flush()
        kind = "update_display_data" if update else "display_data"
        shown = json_clean({"data": encode_images(data), "metadata": metadata or {}, "transient": transient or {}})
        self.shell.send(kind, **shown)

    def clear_output(self, wait: bool = False) -> None:
        _flush()
        self.shell.send("clear_output", wait=wait)


class _Hook(DisplayHook):
    """What the last line of a cell gives."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        if format_dict:
            _flush()
            shown = {"data": json_clean(encode_images(format_dict)), "metadata": md_dict or {}}
            self.shell.send("execute_result", execution_count=self.prompt_count, **shown)

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Shell(InteractiveShell):
    """IPython without a terminal: it sends what a kernel would publish."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    send = Any()
    failure = Any()

    def _showtraceback(self, etype, evalue, stb) -> None:
        _flush()
        self.failure = {"ename": etype.__name__, "evalue": str(evalue), "traceback": list(stb)}
        self.send("error", **self.failure)

    def ask_exit(self) -> None:
        os._exit(0)

    def raw_input(self, prompt: str = "") -> str:
        raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")
