"""One call in flight: its credit for a streamed response, its abort signal."""

import time
from _thread import allocate_lock

from .log import Log
from .wire import CHUNK, encode_frame

STREAM_WINDOW_BYTES = 1024 * 1024
CHUNK_BYTES = 256 * 1024  # a longer piece of a streamed response is split, so that other calls are served in between


class Call(Log):
    """One call in flight."""

    __slots__ = ('worker', 'started', 'cpu_started', 'is_over', 'is_cancelled', 'signal', 'credit', 'wake', 'task')

    def __init__(self, number, worker):
        self.number = number
        self.wire = worker.wire
        self.stream = 'stdout'
        self.texts = []
        self.chars = 0
        self.has_waited = False
        self.worker = worker
        self.is_over = self.is_cancelled = False
        self.signal = self.wake = None
        self.credit = STREAM_WINDOW_BYTES
        self.started = time.perf_counter()
        self.cpu_started = worker.cpu_time()
        worker.calls[number] = self

    def abort_signal(self):
        with self.wire.lock:
            if self.signal is None:
                self.signal = Cancelled()
                if self.is_cancelled:
                    self.signal._fire()
        if not self.is_over:
            self.worker.want_news()
        return self.signal

    def cancel(self):
        with self.wire.lock:
            self.is_cancelled = True
            if self.signal is not None:
                self.signal._fire()
            self.wake_up()

    def grant(self, size):
        with self.wire.lock:
            self.credit += size
            self.wake_up()

    def wake_up(self):
        wake, self.wake = self.wake, None
        if wake:
            wake()

    def stream_body(self, data):
        """Sends a piece of a streamed response, waiting for credit."""
        for allowed in self.chunks(data):
            if not allowed:
                granted = allocate_lock()
                granted.acquire()
                if self.must_wait(granted.release):
                    granted.acquire()

    async def stream_body_async(self, data):
        for allowed in self.chunks(data):
            if not allowed:
                import asyncio

                granted = asyncio.get_running_loop().create_future()
                if self.must_wait(lambda granted=granted: granted.done() or granted.set_result(None)):
                    await granted

    def chunks(self, data):
        """Sends piece after piece, and yields the size of each: 0 when it must wait for credit."""
        rest = memoryview(data)
        while rest:
            if self.is_cancelled:
                raise ClientGone('nobody reads the answer any more')
            with self.wire.lock:
                size = min(len(rest), self.credit, CHUNK_BYTES)
                self.credit -= size
            if size:
                self.wire.send(encode_frame(CHUNK, self.number, b'', rest[:size]))
                rest = rest[size:]
            yield size

    def must_wait(self, wake):
        with self.wire.lock:
            if self.credit or self.is_cancelled:
                return False
            self.wake = wake
            return True


class Cancelled:
    def __init__(self):
        from threading import Event

        self._event = Event()
        self._callbacks = []

    def is_set(self):
        return self._event.is_set()

    __bool__ = is_set

    def wait(self, timeout=None):
        """Returns whether it fired; not for async code, because it would block the event loop."""
        return self._event.wait(timeout)

    def __await__(self):
        import asyncio

        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def settle():
            future.done() or future.set_result(True)

        self._callbacks.append(lambda: loop.is_closed() or loop.call_soon_threadsafe(settle))
        if self.is_set():
            settle()
        return (yield from future.__await__())

    def _fire(self):
        self._event.set()
        for callback in self._callbacks:
            callback()


class ClientGone(OSError):
    pass
