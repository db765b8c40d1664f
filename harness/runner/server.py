"""The fork server: imports torch once, then forks one fresh process for each job.

It runs in a process of its own, started with the environment that runs need, and never touches a GPU or a tensor,
so that what it forks is as good as new. Requests come as lines on stdin (a job's folder), replies go as JSON lines
to stdout. When stdin closes, because the harness has ended or was killed, the server kills its job and leaves.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(preload: list[str]) -> None:
    """Serve until stdin closes."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a job leaves behind comes to us, to be ended
    # torch imports its compiler when the first optimiser is made: 1.2 s that no run shall pay.
    for module in ("torch", "torch._dynamo", "torch.utils.flop_counter", "harness.runner.worker"):
        importlib.import_module(module)
    for module in preload:
        with suppress(Exception):  # the run that needs it says why it cannot be imported; the others do without
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    Server().serve()


class Server:
    """One job at a time, each in a forked process that leads a session of its own."""

    def __init__(self) -> None:
        self.job: int | None = None
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_write, False)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def serve(self) -> None:
        """Start jobs as they are asked for and report each that ends."""
        self.reply(ready=True)
        waiting = b""
        while True:
            readable, _, _ = select.select([sys.stdin.fileno(), self.wake_read], [], [])
            if self.wake_read in readable:
                os.read(self.wake_read, 4096)
                self.reap()
            if sys.stdin.fileno() in readable:
                received = os.read(sys.stdin.fileno(), 65536)
                if not received:
                    return self.leave()
                *lines, waiting = (waiting + received).split(b"\n")
                for line in lines:
                    self.start(Path(os.fsdecode(line)))

    def start(self, folder: Path) -> None:
        """Fork a process for the job in `folder`."""
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.become(folder, server)
        self.job = pid
        self.reply(started=pid)

    def become(self, folder: Path, server: int) -> None:
        """Turn this forked process into the job's own; never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != server:  # it died before we had asked to die with it
                return
            log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            null = os.open(os.devnull, os.O_RDONLY)
            for target, source in ((0, null), (1, log), (2, log)):
                os.dup2(source, target)
            from harness.runner.worker import work

            work(folder)
            status = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)  # no interpreter shutdown: its destructors would run the parent's too

    def reap(self) -> None:
        """Collect every child that has ended; report the job, and end what it left running."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.job:
                self.job = None
                end_descendants()
                self.reply(ended=pid, code=os.waitstatus_to_exitcode(status))

    def leave(self) -> None:
        """End the job, if any, and whatever it started."""
        end_descendants()

    def reply(self, **message: object) -> None:
        """Tell the harness."""
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def end_descendants() -> None:
    """Kill every process below this one."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def _prctl(option: int, value: int) -> None:
    """Call Linux's prctl; elsewhere there is none, and stdin closing is the only sign."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
