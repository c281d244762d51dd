"""Routes output, however it is printed, to the log of the call that printed it."""

import io
import os
import sys

from .log import CURRENT, Log


class Output:
    """Prints of Python code are sent as LOG frames, many lines in one. Other output to descriptors 1 and 2 (child processes,
    libraries, a dying interpreter) goes to the server through named pipes, or connections of their own, which need no
    reader here."""

    def __init__(self, worker):
        self.worker = worker
        self.outside = Log(0, worker.wire)
        self.is_exclusive = True
        """Whether there is one call at a time, so that all output belongs to it."""
        for number, stream in ((1, 'stdout'), (2, 'stderr')):
            if not worker.started_anew:
                lead_to_server(number, stream)
            writer = Writer(self, stream, number)
            setattr(sys, stream, writer)
            setattr(sys, f'__{stream}__', writer)
        self.flush_before_children()

    def write(self, stream, text):
        with self.worker.wire.lock:
            log = CURRENT.get()
            if log is None or log.is_over:
                log = self.unclaimed()
            log.write(stream, text)
            if not self.worker.watcher.is_ticking:
                self.worker.watcher.start_ticking()

    def unclaimed(self):
        """The log for threads that the function has started."""
        calls = list(self.worker.calls.values()) if self.is_exclusive else ()
        return calls[0] if calls else self.outside

    def tick(self):
        sent = self.outside.tick()
        for call in list(self.worker.calls.values()):
            sent |= call.tick()
        return sent

    def flush(self):
        if self.worker.is_child:
            return
        with self.worker.wire.lock:
            self.outside.flush()
            for call in list(self.worker.calls.values()):
                call.flush()

    def flush_before_children(self):
        """Flushes before a child process starts, so that its output comes afterwards."""
        import _posixsubprocess  # before `subprocess` imports its function

        os.register_at_fork(before=self.flush)
        for module, name in (_posixsubprocess, 'fork_exec'), (os, 'system'), (os, 'posix_spawn'), (os, 'posix_spawnp'):
            setattr(module, name, self.flushing(getattr(module, name)))

    def flushing(self, start):
        def start_child(*args, **kwargs):
            self.flush()
            return start(*args, **kwargs)

        return start_child


def lead_to_server(number, stream):
    """The server reads the other end of the descriptor. Behind a relay it does already."""
    path = os.environ.get('TAIBAI_SOCKET')
    if path:  # in the folder of the socket
        pipe = f'{os.path.dirname(path)}/{stream}'
        reader = os.open(pipe, os.O_RDWR)  # without one the next line waits: a server that was killed is none
        way = os.open(pipe, os.O_WRONLY)
        os.close(reader)
    elif 'TAIBAI_SERVER' in os.environ:
        from __main__ import dial

        way = dial(stream).detach()
    else:
        return
    os.dup2(way, number)
    os.close(way)


class Open:
    """Flushing and closing do nothing: lines are sent anyway, and other calls print too."""

    def writable(self):
        return True

    def flush(self):
        pass

    def close(self):
        pass


class Writer(Open, io.TextIOBase):
    """sys.stdout and sys.stderr."""

    encoding = 'utf-8'
    errors = 'backslashreplace'
    mode = 'w'
    line_buffering = True

    def __init__(self, output, stream, number):
        self._output = output
        self._stream = stream
        self._number = number
        self.name = f'<{stream}>'
        self.buffer = ByteWriter(self)

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f'write() argument must be str, not {type(text).__name__}')
        if self._output.worker.is_child:
            os.write(self._number, text.encode(self.encoding, self.errors))
        elif text:
            self._output.write(self._stream, text)
        return len(text)

    def fileno(self):
        return self._number

    def reconfigure(self, **settings):
        pass


class ByteWriter(Open, io.BufferedIOBase):
    """sys.stdout.buffer."""

    def __init__(self, writer):
        self.raw = self
        self._writer = writer

    def write(self, data):
        data = bytes(data)
        self._writer.write(data.decode('utf-8', 'backslashreplace'))
        return len(data)

    def fileno(self):
        return self._writer.fileno()


def show_log_records():
    """Makes `logging` print records of every level that the function enables, without a configured handler.
    
    It replaces `lastResort` instead of adding a handler, because with a handler the function's own logging.basicConfig()
    would do nothing."""
    logging = sys.modules.get('logging')
    last_resort = getattr(logging, 'lastResort', None)
    if last_resort and last_resort.formatter is None:
        last_resort.setLevel(0)
        last_resort.setFormatter(logging.Formatter('%(levelname)s %(name)s: %(message)s'))
