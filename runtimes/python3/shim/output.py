"""Takes what is printed, by whichever way, to the log of the call that printed it."""

import codecs
import io
import os
import select
import sys

from .log import CURRENT, Log


class Output:
    """Takes what is printed, by whichever way, to the log of the call that printed it."""

    def __init__(self, worker):
        self.worker = worker
        self.outside = Log(0, worker.wire)
        self.is_exclusive = True
        """Whether there is one call at a time, so that all that is printed is its."""
        self.pipes = {}
        self.filled_pipes = select.poll()
        self.console = os.dup(2)
        """Where the process itself writes, apart from any call."""
        self.redirect(1, 'stdout')
        self.redirect(2, 'stderr')

    def redirect(self, number, stream):
        """Both for Python code, which prints to a Writer, and for child processes, which inherit a pipe."""
        reading, writing = os.pipe()
        os.dup2(writing, number)
        os.close(writing)
        os.set_blocking(reading, False)
        self.pipes[reading] = stream, codecs.getincrementaldecoder('utf-8')('replace')
        self.filled_pipes.register(reading, select.POLLIN)
        writer = Writer(self, stream, number)
        setattr(sys, stream, writer)
        setattr(sys, f'__{stream}__', writer)

    def write(self, stream, text):
        with self.worker.wire.lock:
            log = CURRENT.get()
            if log is None or log.is_over:
                log = self.unclaimed()
            log.write(stream, text)
            if not self.worker.watcher.is_ticking:
                self.worker.watcher.start_ticking()

    def unclaimed(self):
        """The log for what is printed by threads and processes that the function has started."""
        calls = list(self.worker.calls.values()) if self.is_exclusive else ()
        return calls[0] if calls else self.outside

    def tick(self):
        sent = self.outside.tick()
        for call in list(self.worker.calls.values()):
            sent |= call.tick()
        return sent

    def flush(self):
        with self.worker.wire.lock:
            self.drain_pipes()
            self.outside.flush()
            for call in list(self.worker.calls.values()):
                call.flush()

    def drain_pipes(self):
        for pipe, _ in self.filled_pipes.poll(0):
            self.read_pipe(pipe)

    def read_pipe(self, pipe):
        """Whether there may be more to come."""
        with self.worker.wire.lock:
            if pipe not in self.pipes:
                return False
            stream, decoder = self.pipes[pipe]
            try:
                data = os.read(pipe, 65536)
            except BlockingIOError:
                return True
            text = decoder.decode(data, not data)
            if text:
                self.unclaimed().write_between_lines(stream, text)
            if data:
                return True
            self.filled_pipes.unregister(pipe)
            del self.pipes[pipe]  # the function has closed its end
            return False

    def close_pipes(self):
        for pipe in self.pipes:
            os.close(pipe)


class Writer(io.TextIOBase):
    """sys.stdout and sys.stderr. Flushing and closing do nothing: lines find their way, and other calls print too."""

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

    def writable(self):
        return True

    def flush(self):
        pass

    def close(self):
        pass

    def reconfigure(self, **settings):
        pass


class ByteWriter(io.BufferedIOBase):
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

    def writable(self):
        return True

    def flush(self):
        pass

    def close(self):
        pass


def show_log_records():
    """Has `logging` print records of every level that the function asks for, without any handler set up.

    By its `lastResort`, not by a handler: a handler would make the function's own logging.basicConfig() do nothing.
    """
    logging = sys.modules.get('logging')
    last_resort = getattr(logging, 'lastResort', None)
    if last_resort and last_resort.formatter is None:
        last_resort.setLevel(0)
        last_resort.setFormatter(logging.Formatter('%(levelname)s %(name)s: %(message)s'))
