"""Several calls at a time, on threads that take turns at reading."""

import time
from _collections import deque
from _thread import allocate_lock

from ..calls import Call
from ..watcher import QUIET_TICKS
from ..wire import CALL

QUICK_SECONDS = 0.0003  # a call this short is not worth waking another thread
LEAST_PENALTY, MOST_PENALTY = 16, 4096  # number of calls treated as slow after a slow one; it grows when that recurs


class Threads:
    """Up to `limit` calls at a time, on threads that take turns at reading.
    
    The thread that has read a call should run it itself, because waking another one takes longer than many functions. So it
    does while calls are quick, and pledges to be back soon. When it is not, the Watcher passes its turn to another thread,
    and for a number of calls turns are passed before a call is run.
    
    A container has a limit of processes, which includes threads. When no further threads start, calls queue: one thread
    reads, the others run queued calls until the queue is empty."""

    def __init__(self, worker, limit):
        self.worker = worker
        self.wanted = self.limit = limit
        self.queue = deque()
        self.turn = allocate_lock()
        """Held by the thread that reads."""
        self.pledge = []
        """Contains the thread that runs a call and keeps its turn. Whoever empties the list, the thread or the Watcher, gets
        the turn."""
        self.seen_pledge = self.pledge
        self.quiet_ticks = 0
        self.slow_calls = 0  # number of further calls that are treated as slow
        self.penalty = LEAST_PENALTY
        self.quick_calls = 0
        self.guard = allocate_lock()
        self.threads = self.free = 0
        worker.cpu_time = time.thread_time
        worker.want_news = self.pass_pledged_turn
        worker.watcher.relieve = self.relieve

    def serve(self):
        with self.guard:
            self.start_thread()
        while True:
            try:
                time.sleep(86400)  # the main thread only runs signal handlers, which may raise
            except SystemExit as error:
                self.worker.exit(error.code)
            except BaseException:
                pass

    def start_thread(self):
        """Called with the guard held: the thread counts itself as soon as it runs."""
        from threading import Thread

        Thread(target=self.work, name=f'call-{self.threads + 1}', daemon=True).start()
        self.threads += 1
        self.free += 1

    def work(self):
        try:
            while True:
                self.turn.acquire()
                with self.guard:
                    self.free -= 1
                self.take_turn()
                while queued := self.next_queued():
                    self.worker.run(*queued)
        except BaseException as error:
            self.worker.give_up(error)

    def next_queued(self):
        with self.guard:
            if self.queue:
                return self.queue.popleft()
            self.limit = self.wanted
            self.free += 1
            return None

    def must_queue(self, call, meta, body):
        """True when all other threads run calls and no further ones start: the call goes to them, and this one continues
        reading."""
        if self.limit == self.wanted:
            return False
        with self.guard:
            if self.free or self.threads <= self.limit:
                return False
            self.queue.append((call, meta, body))
            return True

    def take_turn(self):
        """Returns when another thread has the turn."""
        worker = self.worker
        while True:
            frame = worker.wire.receive()
            if frame[0] != CALL:
                worker.notice(frame)
                continue
            _, number, meta, body = frame
            call = Call(number, worker)
            if self.must_queue(call, meta, body):
                continue
            if self.slow_calls > 0:
                self.slow_calls -= 1
                passed = self.pass_turn()
                if not passed and self.must_queue(call, meta, body):
                    continue
                worker.run(call, meta, body)
                if passed:
                    return
                continue
            self.pledge = pledge = [call]
            if not worker.watcher.is_alert:
                worker.watcher.become_alert()
            worker.run(call, meta, body)
            self.judge(time.perf_counter() - call.started)
            try:
                pledge.pop()
            except IndexError:
                return

    def pass_turn(self):
        """False when no thread can take the turn: it stays here."""
        if not self.has_heir():
            return False
        self.turn.release()
        return True

    def pass_pledged_turn(self):
        if not self.has_heir():
            return
        try:
            self.pledge.pop()
        except IndexError:
            return
        self.turn.release()

    def has_heir(self):
        """Whether a thread takes the turn when it is passed, now or in a moment."""
        with self.guard:
            # One thread more than calls: somebody must read CREDIT and CANCEL even when all calls wait for them.
            if not self.free and self.threads <= self.limit:
                try:
                    self.start_thread()
                except (RuntimeError, MemoryError):
                    self.limit = max(1, self.threads - 1)
            return self.free > 0 or self.limit == self.wanted

    def judge(self, seconds):
        if seconds > QUICK_SECONDS:
            self.slow_calls, self.quick_calls = self.penalty, 0
            self.penalty = min(2 * self.penalty, MOST_PENALTY)
        elif self.penalty > LEAST_PENALTY:
            self.quick_calls += 1
            if self.quick_calls > self.penalty:
                self.penalty = LEAST_PENALTY

    def relieve(self):
        """Passes on the turn of a thread that is not back in time. The Watcher calls it every RELIEF_MS, until it returns
        False."""
        if self.pledge is not self.seen_pledge:
            self.seen_pledge = self.pledge
            self.quiet_ticks = 0
        elif self.pledge:
            self.slow_calls = self.penalty
            self.pass_pledged_turn()
        else:
            self.quiet_ticks += 1
        return self.quiet_ticks < QUIET_TICKS
