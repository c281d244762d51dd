"""The thread beside the function: notices that the server is gone, sends waiting output, and reads while the main thread is
busy."""

import os
import select
import time
from _collections import deque
from _thread import allocate_lock, start_new_thread

from .wire import CALL, LINK_LOST, SHIM_FAILED

TICK_MS = 40  # how long a printed line may wait for others
QUIET_TICKS = 25  # number of ticks without a print after which the Watcher sleeps until the next print
RELIEF_MS = 3


class Watcher:
    """The thread beside the function. It does not run code of the function."""

    def __init__(self, worker):
        self.worker = worker
        self.is_ticking = self.is_alert = False
        self.quiet_ticks = 0
        self.next_tick = 0
        self.relieve = None
        self.is_reading = False
        self.reading = allocate_lock()
        """Held while reading the connection, which this and the main thread may do."""
        self.doorbell, self.button = os.pipe()
        os.set_blocking(self.doorbell, False)
        os.set_blocking(self.button, False)

    def start(self):
        start_new_thread(self.watch, ())

    def watch(self):
        try:
            sources = select.poll()
            sources.register(self.worker.wire.fileno, select.POLLRDHUP)
            sources.register(self.doorbell, select.POLLIN)
            while True:
                pause = RELIEF_MS if self.is_alert else TICK_MS if self.is_ticking else None
                for source, events in sources.poll(pause):
                    self.take(sources, source, events)
                if self.is_ticking and time.monotonic() >= self.next_tick:
                    self.tick()
                if self.is_alert:
                    self.is_alert = self.relieve()
                    # Set under the lock: a thread that has just asked to be watched must not be missed.
                    self.is_alert = self.is_alert or self.relieve()
        except BaseException as error:
            self.worker.give_up(error)

    def take(self, sources, source, events):
        if source == self.worker.wire.fileno:
            if events & ~select.POLLIN:
                os._exit(SHIM_FAILED if events & select.POLLNVAL else LINK_LOST)
            self.read()
            if not self.is_reading:
                sources.modify(source, select.POLLRDHUP)
        else:
            self.read_doorbell()
            if self.is_reading:
                sources.modify(self.worker.wire.fileno, select.POLLRDHUP | select.POLLIN)
                self.read()  # the main thread may have received further frames

    def ring(self):
        """Wakes the thread."""
        try:
            os.write(self.button, b'!')
        except OSError:  # the pipe already contains wake-ups
            pass

    def read_doorbell(self):
        try:
            os.read(self.doorbell, 4096)
        except OSError:
            pass

    def start_ticking(self):
        """From now on `Output.tick` runs every TICK_MS, until nothing has been printed for a while."""
        self.is_ticking = True
        self.quiet_ticks = 0
        self.next_tick = time.monotonic() + TICK_MS / 1000
        self.ring()

    def tick(self):
        self.next_tick = time.monotonic() + TICK_MS / 1000
        with self.worker.wire.lock:
            self.quiet_ticks = 0 if self.worker.output.tick() else self.quiet_ticks + 1
            self.is_ticking = self.quiet_ticks < QUIET_TICKS

    def become_alert(self):
        """From now on `relieve` is called every RELIEF_MS."""
        self.is_alert = True
        self.ring()

    def start_reading(self):
        """Reads the connection for the main thread while that runs its call."""
        if not self.is_reading:
            self.is_reading = True
            self.ring()

    def read(self):
        if not self.is_reading or not self.reading.acquire(False):
            return
        try:
            wire = self.worker.wire
            wire.poll()
            later = [frame for frame in wire.frames if frame[0] == CALL]
            news = [frame for frame in wire.frames if frame[0] != CALL]
            wire.frames = deque(later)
            for frame in news:
                self.worker.notice(frame)
        finally:
            self.reading.release()
