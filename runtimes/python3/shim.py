"""The Python worker: speaks the worker protocol (runtimes/README.md) for one function.

How calls run depends on the function, see `choose_serving`:
  sync, concurrency 1     on the main thread, between two reads of the socket: no thread switch is paid, and signals
                          and asyncio.run() work in the function as in any program
  sync, concurrency > 1   on a pool of threads, while the main thread reads
  async def, ASGI         as tasks of one event loop, which reads the socket too
In all of them a daemon thread, the Watcher, ends the process when the connection does, sends what long calls have
printed, and reads the socket while the main thread is inside a function that wants to hear of CANCEL or CREDIT.

Start-up time is a feature: modules are imported where they are first needed, and C modules directly where their Python
wrappers cost milliseconds (`json` and `socket` would bring `re`, `enum` and `selectors` along).
"""

import sys
from _socket import AF_UNIX, MSG_DONTWAIT, MSG_PEEK, SOCK_STREAM, socket
from _struct import Struct

BIND, CALL, CANCEL, CREDIT, SESSION = 1, 2, 3, 4, 5
HELLO, BOUND, BIND_FAILED, RESULT, FAILED, LOG, HEAD, CHUNK, END = range(16, 25)
FRAME_HEAD = Struct('>IBII')  # length, type, call, length of meta


def encode_frame(kind, call, meta, body=b''):
    return FRAME_HEAD.pack(9 + len(meta) + len(body), kind, call, len(meta)) + meta + body


def say_hello():
    """Connects to the server; None where this file is not run as a worker (by a child of the function, say)."""
    import posix  # `os` is not there yet when started with -S

    path = posix.environ.get(b'TAIBAI_SOCKET')
    if not path:
        return None
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.connect(path)
    version = '%d.%d.%d' % sys.version_info[:3]
    connection.sendall(encode_frame(HELLO, 0, b'{"protocol":1,"runtime":"python3","version":"%s"}' % version.encode()))
    return connection


# Before all else is imported: what follows then overlaps with the server's preparations for BIND.
CONNECTION = say_hello()

if sys.flags.no_site:  # with -S this part of the interpreter's start comes here, behind HELLO: site-packages, exit() …
    import site

    site.main()
import os

LOADED_BY_PYTHON = frozenset(sys.modules)

import codecs
import gc
import io
import select
import time
from _collections import deque
from _contextvars import ContextVar, copy_context
from _thread import RLock, allocate_lock, start_new_thread
from _thread import _local as ThreadLocal
from errno import EAGAIN
from resource import RUSAGE_SELF, getrusage

MAX_FRAME_BYTES = 16 * 1024 * 1024
RECEIVE_BYTES = 64 * 1024
STREAM_WINDOW_BYTES = 1024 * 1024
CHUNK_BYTES = 256 * 1024  # a longer piece of a streamed answer is cut, so that other calls get a word in
WHOLE_ANSWER_BYTES = 1024 * 1024  # an HTTP answer that is complete at once is not streamed up to this length …
HELD_ANSWER_BYTES = 64 * 1024  # … and up to this one when it comes in pieces and its Content-Length says how many
LOG_CHARS = 32 * 1024  # a call that has printed so much sends it
LOG_FRAME_CHARS = 1024 * 1024
TICK_MS = 40  # how long a printed line may wait for company
QUIET_TICKS = 25  # after so many ticks without a print the Watcher sleeps until the next one
QUICK_SECONDS = 0.0003  # a call this short is not worth waking another thread
RELIEF_MS = 3
LEAST_PENALTY, MOST_PENALTY = 16, 4096  # so many calls are taken for slow after one that was; more when it recurs
ERROR_CHARS = 64 * 1024
STACK_FRAMES = 100
MOST_NAMES = 50  # in an error that says what is there

SERVER_GONE, SHIM_FAILED, PROTOCOL_BROKEN = 0, 70, 76  # exit codes
SHIM = say_hello.__code__.co_filename

CURRENT = ContextVar('taibai_call', default=None)
"""The call that this thread or task works for."""


def main():
    """Never returns: the process ends with the connection, or when the function ends it."""
    if CONNECTION is None:
        sys.exit('this is a worker of Taibai, which sets TAIBAI_SOCKET; it cannot be started by hand')
    ignore_interrupts()
    worker = Worker(Wire(CONNECTION))
    try:
        preload(worker.wire)
        worker.await_bind()
        worker.serve()
    except BaseException as error:
        worker.give_up(error)


def ignore_interrupts():
    """Ctrl-C in a terminal reaches the whole process group, but ending workers is the server's business."""
    from _signal import SIGINT, signal

    signal(SIGINT, lambda number, frame: None)  # not SIG_IGN: the function's child processes would inherit that


PRELOADED = 'json', 'threading', 'traceback', 'logging', 'datetime', 'typing', 'socket', 'urllib.parse', 'inspect'
"""30 ms and 4 MB. Not asyncio: another 3 MB in every worker, for those few that use it."""


def preload(wire):
    """While a generic worker waits, it imports what most functions import, until a frame arrives."""
    for name in PRELOADED:
        if wire.has_news():
            return
        __import__(name)


# ---------------------------------------------------------------------------------------------------------------------
# The worker: what all ways of serving share


class Worker:
    def __init__(self, wire):
        self.wire = wire
        self.calls = {}
        self.output = Output(self)
        self.watcher = Watcher(self)
        self.cpu_time = time.process_time
        self.memory_peak = memory_meter()
        self.is_child = False
        self.is_bound = False
        self.watcher.start()
        os.register_at_fork(after_in_child=self.become_child)

    def become_child(self):
        """A forked process of the function: from here on it must not speak to the server."""
        self.is_child = True
        self.wire.sock.close()
        self.output.close_pipes()

    def await_bind(self):
        """Returns when a function is bound; calls that came behind BIND are then among the wire's frames."""
        failed = False
        while not self.is_bound:
            kind, number, meta, _ = self.wire.receive()
            if kind == CALL:
                reason = 'the function could not be loaded' if failed else 'no function is bound yet'
                self.fail(Call(number, self), NotBound(reason))
            elif kind == BIND and failed:
                self.refuse_bind()
            elif kind == BIND:
                self.bind(read_meta(meta))
                failed = not self.is_bound

    def bind(self, meta):
        started = time.perf_counter()
        try:
            enter(meta)
            Context.describe_function(meta)
            function = load(meta['code'], meta['entry'])
            self.base_context = copy_context()
            self.output.is_exclusive = meta['concurrency'] == 1
            self.max_result_bytes = min(meta['max_result_bytes'], MAX_FRAME_BYTES - ERROR_CHARS)
            self.serve, self.invoke = choose_serving(self, meta, function)
            show_log_records()
            gc.freeze()  # what is loaded stays: searching it for garbage again and again would cost calls up to 5 ms each
        except BaseException as error:  # SystemExit too: code that exits while it is loaded cannot be bound
            self.report_bind(BIND_FAILED, to_json(describe(error)))
        else:
            self.is_bound = True
            self.report_bind(BOUND, '{"load_ms":%.3f}' % ((time.perf_counter() - started) * 1000))

    def report_bind(self, kind, meta):
        if self.is_child:
            os._exit(SHIM_FAILED)
        with self.wire.lock:
            self.output.flush()
            self.wire.send(encode_frame(kind, 0, meta.encode('utf-8', 'backslashreplace')))

    def refuse_bind(self):
        meta = '{"type":"AlreadyBound","message":"a worker is bound once, for life","stack":""}'
        self.wire.send(encode_frame(BIND_FAILED, 0, meta.encode()))

    def run(self, call, meta, body):
        """One call of a sync function, to the frame that ends it."""
        meta = read_meta(meta)
        try:
            # In a context of its own: what a call puts into a ContextVar is not there in the next one.
            answer = self.base_context.copy().run(self.run_in_context, call, meta, body)
        except BaseException as error:  # whatever the function raises fails its call, not the worker
            self.fail(call, error)
        else:
            self.end(call, *answer)

    def run_in_context(self, call, meta, body):
        CURRENT.set(call)
        return self.invoke(call, meta, body)

    async def run_async(self, call, meta, body):
        """The same for an async function. Runs as a task, so that its context is its own already."""
        CURRENT.set(call)
        try:
            answer = await self.invoke(call, meta, body)
        except BaseException as error:
            self.fail(call, error)
        else:
            self.end(call, *answer)

    def fail(self, call, error):
        if isinstance(error, SystemExit):
            self.exit(error.code)
        if self.is_child:
            child_failed(error)
        self.end(call, FAILED, to_json(describe(error))[1:-1] + ',')

    def end(self, call, kind, fields, body=b''):
        """Sends the frame that ends the call, behind what it has printed. `fields`: of the meta, each with a comma."""
        if self.is_child:
            os._exit(0)  # the function forked, and this is the child returning
        run_ms = (time.perf_counter() - call.started) * 1000
        cpu_ms = (self.cpu_time() - call.cpu_started) * 1000
        meta = '{%s"run_ms":%.3f,"cpu_ms":%.3f,"memory_peak_bytes":%d}' % (fields, run_ms, cpu_ms, self.memory_peak())
        frame = encode_frame(kind, call.number, meta.encode('utf-8', 'backslashreplace'), body)
        with self.wire.lock:
            self.output.drain_pipes()
            call.is_over = True
            self.calls.pop(call.number, None)
            self.wire.send(call.take_frames() + frame if call.texts else frame)
        self.watcher.is_reading = False

    def exit(self, code):
        """sys.exit() in a function ends the process, as it would end a program."""
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
        if not self.is_child:
            self.output.flush()
        os._exit((code or 0) & 0xFF)

    def give_up(self, error):
        """The shim cannot go on: says so to those who wait, and why where the process's own output goes."""
        if self.is_child:
            os._exit(SHIM_FAILED)
        try:
            report = describe(error, own=True)
            os.write(self.output.console, f'{report["stack"]}\n'.encode('utf-8', 'backslashreplace'))
            if not isinstance(error, ProtocolError) and self.wire.lock.acquire(timeout=1):
                for call in list(self.calls.values()):
                    self.end(call, FAILED, '"last":true,' + to_json(report)[1:-1] + ',')
        finally:
            os._exit(PROTOCOL_BROKEN if isinstance(error, ProtocolError) else SHIM_FAILED)

    def notice(self, frame):
        """Any frame but a CALL; on whichever thread has read it."""
        kind, number, meta, _ = frame
        call = self.calls.get(number)
        if kind == BIND:
            self.refuse_bind()
        elif kind == CANCEL and call:
            call.cancel()
        elif kind == CREDIT and call:
            call.grant(read_meta(meta).get('bytes', 0))
        elif kind == SESSION:
            OpenStack.take(read_meta(meta))

    def want_news(self):
        """Called when a call waits for CANCEL or CREDIT. Whoever serves on the main thread has the Watcher read."""


def child_failed(error):
    """A forked child raised: ends as Python would have ended it."""
    try:
        print(describe(error)['stack'], file=sys.stderr)
    finally:
        os._exit(1)


def memory_meter():
    """A function that tells the peak resident size of this process in bytes."""
    inherited = getrusage(RUSAGE_SELF).ru_maxrss

    def rusage_peak():
        return getrusage(RUSAGE_SELF).ru_maxrss * 1024

    def own_peak():
        peak = getrusage(RUSAGE_SELF).ru_maxrss
        return peak * 1024 if peak > inherited else high_water_bytes()

    # The number outlives exec(): a shim started by a large process begins with the size of that one.
    return own_peak if inherited * 1024 > 1.5 * high_water_bytes() else rusage_peak


def high_water_bytes():
    with open('/proc/self/status', 'rb') as status:
        for line in status:
            if line.startswith(b'VmHWM:'):
                return int(line.split()[1]) * 1024
    return 0


# ---------------------------------------------------------------------------------------------------------------------
# Three ways of serving


def choose_serving(worker, meta, function):
    """How calls are taken in, and how one is made: a pair of functions."""
    signature, concurrency = meta['signature'], meta['concurrency']
    if signature not in SIGNATURES:
        raise ValueError(f'the Python runtime has no signature {signature!r}')
    is_async, invoke = SIGNATURES[signature](worker, function)
    if is_async:
        loop = Loop(worker)
        if signature == 'http':
            loop.asyncio_loop.run_until_complete(Lifespan.start(function))
        return loop.serve, invoke
    return (Threads(worker, concurrency) if concurrency > 1 else Inline(worker)).serve, invoke


class Inline:
    """One call at a time, on the main thread."""

    def __init__(self, worker):
        self.worker = worker
        worker.want_news = worker.watcher.start_reading

    def serve(self):
        while True:
            try:
                self.serve_calls()
            except ProtocolError:
                raise
            except BaseException as error:  # a signal handler of the function has raised between two calls
                for call in list(self.worker.calls.values()):
                    self.worker.fail(call, error)

    def serve_calls(self):
        worker, receive, reading = self.worker, self.worker.wire.receive, self.worker.watcher.reading
        while True:
            with reading:
                frame = receive()
            if frame[0] == CALL:
                _, number, meta, body = frame
                worker.run(Call(number, worker), meta, body)
            else:
                worker.notice(frame)


class Threads:
    """Up to `limit` calls at a time, on threads that take turns at reading.

    The thread that has read a call would best run it itself: waking another one takes longer than many functions. So
    it does, while calls are quick, and pledges to be back soon. When it is not, the Watcher passes its turn to another
    thread, and for a number of calls from then on turns are passed before a call is run.

    A container has a limit of processes, threads among them. When no more of them start, calls queue: one thread reads,
    the others run what has come, until the queue is empty.
    """

    def __init__(self, worker, limit):
        self.worker = worker
        self.wanted = self.limit = limit
        self.queue = deque()
        self.turn = allocate_lock()
        """Held by the thread that reads."""
        self.pledge = []
        """Of the thread that runs a call and keeps its turn. Who empties the list, it or the Watcher, has the turn."""
        self.seen_pledge = self.pledge
        self.quiet_ticks = 0
        self.slow_calls = 0  # so many calls more are taken for slow
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
            except BaseException:
                pass

    def start_thread(self):
        """With the guard held: the thread counts itself as soon as it runs."""
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
        """True when all other threads run calls and no more of them start: the call is theirs, and this one goes on reading."""
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
        """False when there is nobody to take it: it stays where it is."""
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
        """Passes on the turn of a thread that is not back. The Watcher calls it every RELIEF_MS, until it is False."""
        if self.pledge is not self.seen_pledge:
            self.seen_pledge = self.pledge
            self.quiet_ticks = 0
        elif self.pledge:
            self.slow_calls = self.penalty
            self.pass_pledged_turn()
        else:
            self.quiet_ticks += 1
        return self.quiet_ticks < QUIET_TICKS


class Loop:
    """Calls of an async function: tasks of one event loop that lives as long as the worker."""

    def __init__(self, worker):
        self.worker = worker
        self.asyncio_loop = event_loop()
        self.start_task = task_starter(self.asyncio_loop)

    def serve(self):
        self.asyncio_loop.add_reader(self.worker.wire.fileno, self.read)
        self.asyncio_loop.call_soon(self.read)  # frames that came behind BIND are there already
        while True:
            try:
                self.asyncio_loop.run_forever()  # returns when the function stops the loop, which it should not
            except SystemExit as error:  # of a task or callback that the function has left behind
                self.worker.exit(error.code)
            except BaseException:
                pass

    def read(self):
        try:
            self.worker.wire.poll()
            self.take_frames()
        except ProtocolError as error:  # the loop would only log it
            self.worker.give_up(error)

    def take_frames(self):
        worker, frames = self.worker, self.worker.wire.frames
        while frames:
            frame = frames.popleft()
            if frame[0] == CALL:
                _, number, meta, body = frame
                call = Call(number, worker)
                # The call holds its task, because the loop does so only weakly.
                call.task = self.start_task(worker.run_async(call, read_meta(meta), body))
            else:
                worker.notice(frame)


def task_starter(loop):
    """From Python 3.12 on, tasks can start at once instead of in the loop's next round."""
    from asyncio import Task

    if sys.version_info < (3, 12):
        return loop.create_task
    return lambda coroutine: Task(coroutine, loop=loop, eager_start=True)


def event_loop():
    import asyncio
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            return asyncio.get_event_loop()  # the one that the code may have got hold of while it was loaded
        except RuntimeError:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            return loop


KEPT_LOOP = ThreadLocal()


def finish_awaitable(awaitable):
    """For a sync function that returns something to await, such as a decorated async one."""
    if not hasattr(KEPT_LOOP, 'loop'):
        import asyncio

        KEPT_LOOP.loop = asyncio.new_event_loop()
    return KEPT_LOOP.loop.run_until_complete(awaitable)


class Watcher:
    """The thread beside the function. It never runs code of the function."""

    def __init__(self, worker):
        self.worker = worker
        self.is_ticking = self.is_alert = False
        self.quiet_ticks = 0
        self.next_tick = 0
        self.relieve = None
        self.is_reading = False
        self.reading = allocate_lock()
        """Held to read the connection, where both this and the main thread may do so."""
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
            for pipe in self.worker.output.pipes:
                sources.register(pipe, select.POLLIN)
            while True:
                pause = RELIEF_MS if self.is_alert else TICK_MS if self.is_ticking else None
                for source, events in sources.poll(pause):
                    self.take(sources, source, events)
                if self.is_ticking and time.monotonic() >= self.next_tick:
                    self.tick()
                if self.is_alert:
                    self.is_alert = self.relieve()
                    # A thread that has seen itself watched in this very moment must not be left alone.
                    self.is_alert = self.is_alert or self.relieve()
        except BaseException as error:
            self.worker.give_up(error)

    def take(self, sources, source, events):
        if source == self.worker.wire.fileno:
            if events & ~select.POLLIN:
                os._exit(SERVER_GONE)
            self.read()
            if not self.is_reading:
                sources.modify(source, select.POLLRDHUP)
        elif source == self.doorbell:
            self.read_doorbell()
            if self.is_reading:
                sources.modify(self.worker.wire.fileno, select.POLLRDHUP | select.POLLIN)
                self.read()  # the main thread may have taken in more than the frame that it works on
        elif not self.worker.output.read_pipe(source):
            sources.unregister(source)

    def ring(self):
        """Wakes the thread from its sleep."""
        try:
            os.write(self.button, b'!')
        except OSError:  # it has been rung often enough
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
        """Reads the connection for the main thread, while that runs its call."""
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


# ---------------------------------------------------------------------------------------------------------------------
# The wire


class ProtocolError(Exception):
    pass


class Wire:
    """The connection to the server. Any thread may send; one at a time receives."""

    def __init__(self, sock):
        self.sock = sock
        self.fileno = sock.fileno()
        self.frames = deque()
        self.reader = FrameReader()
        self.lock = RLock()
        """Held to send and to touch what will be sent, so that no print of a call can fall behind its end."""
        self.is_sending = False
        self.postponed = []

    def receive(self):
        """Waits for the next frame."""
        while not self.frames:
            self.take_in(0)
        return self.frames.popleft()

    def poll(self):
        """Takes in what is there, without waiting."""
        try:
            self.take_in(MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def take_in(self, flags):
        try:
            data = self.sock.recv(self.reader.appetite(), flags)
        except OSError as error:
            if error.errno in (None, EAGAIN):  # None: raised by a signal handler of the function
                raise
            os._exit(SERVER_GONE)
        if not data:
            os._exit(SERVER_GONE)
        self.frames.extend(self.reader.push(data))

    def has_news(self):
        try:
            self.sock.recv(1, MSG_PEEK | MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def send(self, data):
        with self.lock:
            if self.is_sending:  # this very thread is: a signal handler or a __del__ has printed in the middle of it
                self.postponed.append(data)
                return
            self.is_sending = True
            try:
                self.send_all(data)
                while self.postponed:
                    self.send_all(self.postponed.pop(0))
            except (BrokenPipeError, ConnectionResetError):
                os._exit(SERVER_GONE)
            finally:
                self.is_sending = False

    def send_all(self, data):
        """All of it or, when the exception of a signal handler comes before the first byte, nothing."""
        sent = self.sock.send(data)
        if sent == len(data):
            return
        rest, interruption = memoryview(data)[sent:], None
        while rest:
            try:
                rest = rest[self.sock.send(rest) :]
            except BaseException as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                interruption = error  # for later: half a frame would be the end of the connection
        if interruption:
            raise interruption


class FrameReader:
    """Cuts arriving bytes into frames: (type, call, meta, body)."""

    def __init__(self):
        self.rest = bytearray()
        self.wanted = 4  # bytes that must be there for a step forward; spares looking at each piece of a large frame

    def appetite(self):
        """How many bytes to ask for: more when in the middle of a large frame."""
        return RECEIVE_BYTES if self.wanted <= RECEIVE_BYTES else 16 * RECEIVE_BYTES

    def push(self, data):
        if not self.rest and len(data) >= 13:
            length, kind, call, meta_size = FRAME_HEAD.unpack_from(data)
            if length + 4 == len(data) and meta_size <= length - 9:  # one frame exactly, as nearly always
                return ((kind, call, data[13 : 13 + meta_size], data[13 + meta_size :]),)
        self.rest += data
        return self.cut() if len(self.rest) >= self.wanted else ()

    def cut(self):
        frames, at, rest = [], 0, self.rest
        self.wanted = 4
        while len(rest) - at >= 4:
            length = int.from_bytes(rest[at : at + 4], 'big')
            if not 9 <= length <= MAX_FRAME_BYTES:
                raise ProtocolError(f'a frame of {length} bytes is too short or too long')
            if len(rest) - at < 4 + length:
                self.wanted = 4 + length
                break
            frames.append(self.frame(rest, at, at + 4 + length))
            at += 4 + length
        del rest[:at]
        return frames

    def frame(self, rest, at, end):
        _, kind, call, meta_size = FRAME_HEAD.unpack_from(rest, at)
        body = at + 13 + meta_size
        if body > end:
            raise ProtocolError('the meta of a frame is longer than the frame')
        with memoryview(rest) as view:  # released at once: `rest` could not be shortened otherwise
            return kind, call, bytes(view[at + 13 : body]), bytes(view[body:end])


def read_meta(meta):
    try:
        value = from_json(str(meta, 'utf-8')) if meta else {}
    except (ValueError, RecursionError):
        value = None
    if type(value) is not dict:
        raise ProtocolError('the meta of a frame is not a JSON object')
    return value


# ---------------------------------------------------------------------------------------------------------------------
# JSON


def fast_json():
    """The C functions that `json` is made of: half the time of a call, and no import of `re` at the start."""
    from _json import encode_basestring, make_encoder, make_scanner

    class Options:
        strict = True
        object_hook = object_pairs_hook = None
        parse_float, parse_int = float, int
        parse_constant = {'NaN': float('nan'), 'Infinity': float('inf'), '-Infinity': float('-inf')}.__getitem__

    scan = make_scanner(Options)
    # No `markers`: all threads can share it, and a value that contains itself ends in a RecursionError.
    encode = make_encoder(None, not_json, encode_basestring, None, ':', ',', False, False, False)

    def to_json(value):
        return ''.join(encode(value, 0))

    def from_json(text):
        try:
            value, end = scan(text, 0)
            if end == len(text):
                return value
        except (StopIteration, ValueError, SystemError):  # the last where `json.decoder` is not there to raise from
            pass
        import json  # white space is around it, or an error in it: `json` allows for the one and can name the other

        return json.loads(text)

    if from_json('{"a":[1,"b"]}') != {'a': [1, 'b']} or to_json({'a': (1, None)}) != '{"a":[1,null]}':
        raise TypeError('these functions are private, and have changed')
    return to_json, from_json


def plain_json():
    import json

    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':')).encode, json.loads


def not_json(value):
    raise TypeError(f'Object of type {type(value).__name__} is not JSON serializable')


try:
    to_json, from_json = fast_json()
except (ImportError, TypeError):
    to_json, from_json = plain_json()


# ---------------------------------------------------------------------------------------------------------------------
# Calls and what they print


class Log:
    """What has been printed in one call, or outside of all, and is not sent yet. For holders of the wire's lock."""

    __slots__ = ('number', 'wire', 'stream', 'texts', 'chars', 'has_waited')

    def __init__(self, number, wire):
        self.number = number
        self.wire = wire
        self.stream = 'stdout'
        self.texts = []
        self.chars = 0
        self.has_waited = False

    def write(self, stream, text):
        if stream != self.stream:
            self.flush()  # what is printed to both streams arrives in the order in which it was printed
            self.stream = stream
        self.texts.append(text)
        self.chars += len(text)
        if self.chars > LOG_CHARS:
            self.flush_lines()

    def write_between_lines(self, stream, text):
        """Sends at once what a child process has printed, and not in the middle of a line that print() is busy with."""
        self.flush_lines()
        self.wire.send(log_frames(self.number, stream, text))

    def flush(self):
        if self.texts:
            self.wire.send(self.take_frames())

    def flush_lines(self):
        """Sends the lines that are whole; keeps the last, if that is not."""
        text = self.take_text()
        end = text.rfind('\n') + 1 or (len(text) if len(text) > LOG_CHARS else 0)
        if end:
            self.wire.send(log_frames(self.number, self.stream, text[:end]))
        if end < len(text):
            self.texts.insert(0, text[end:])
            self.chars += len(text) - end

    def tick(self):
        """Whether there was anything to send. Half a line waits for one tick more."""
        if not self.texts:
            return False
        self.flush() if self.has_waited else self.flush_lines()
        self.has_waited = bool(self.texts)
        return True

    def take_frames(self):
        return log_frames(self.number, self.stream, self.take_text())

    def take_text(self):
        texts, self.texts = self.texts, []  # first of all: a signal handler may print while they are joined
        self.chars = 0
        return ''.join(texts)


def log_frames(call, stream, text):
    meta = b'' if stream == 'stdout' else b'{"stream":"stderr"}'
    if len(text) <= LOG_FRAME_CHARS:
        return encode_frame(LOG, call, meta, text.encode('utf-8', 'backslashreplace')) if text else b''
    pieces = (text[at : at + LOG_FRAME_CHARS] for at in range(0, len(text), LOG_FRAME_CHARS))
    return b''.join(encode_frame(LOG, call, meta, piece.encode('utf-8', 'backslashreplace')) for piece in pieces)


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
        """Sends a piece of a streamed answer, waiting for credit."""
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
        """Sends piece after piece, and yields the size of each: 0 when credit must be waited for."""
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


class ClientGone(OSError):
    pass


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


# ---------------------------------------------------------------------------------------------------------------------
# What a function is given


class Context:
    """The second argument of a handler. Made for each call, so that what is the same for all belongs to the class."""

    __slots__ = ('execution_id', 'deadline_ms', 'trigger', '_call')

    function_id = function_name = function_version = project_id = memory_limit_in_mb = None
    client_context = identity = None  # AWS Lambda's

    @classmethod
    def describe_function(cls, meta):
        cls.function_id = meta.get('function_id')
        cls.function_name = meta.get('function_name')
        cls.function_version = meta.get('function_version')
        cls.project_id = meta.get('project_id')
        cls.memory_limit_in_mb = meta.get('memory_bytes', 0) // (1024 * 1024)

    def __init__(self, call, meta):
        self.execution_id = meta.get('execution_id')
        self.deadline_ms = meta.get('deadline_ms')
        self.trigger = meta.get('trigger')
        self._call = call

    @property
    def remaining_ms(self):
        """Milliseconds until the deadline."""
        return max(0.0, self.deadline_ms - time.time() * 1000)

    def get_remaining_time_in_millis(self):
        return int(self.remaining_ms)

    @property
    def aws_request_id(self):
        return self.execution_id

    @property
    def logger(self):
        """A logger of the standard library; all its levels are shown, unless `logging` is set up otherwise."""
        import logging

        show_log_records()
        logger = logging.getLogger(self.function_name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.DEBUG)
        return logger

    @property
    def openstack(self):
        """What the function acts with in OpenStack: see OpenStack; None: with nothing."""
        return OpenStack.current

    @property
    def cancelled(self):
        """Fires when nobody waits for the answer any more: is_set(), wait(seconds), or `await` in async code."""
        return self._call.abort_signal()


class Cancelled:
    def __init__(self):
        from threading import Event

        self._event = Event()
        self._callbacks = []

    def is_set(self):
        return self._event.is_set()

    __bool__ = is_set

    def wait(self, timeout=None):
        """Returns whether it fired; not for async code, where it would hold up the event loop."""
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


def read_input(meta, body):
    kind = meta.get('input')
    if kind == 'json':
        return from_json(str(body, 'utf-8'))
    if kind == 'text':
        return str(body, 'utf-8', 'replace')
    return body if kind == 'bytes' else None


# ---------------------------------------------------------------------------------------------------------------------
# What a function answers


class Refusal(Exception):
    """What the shim itself has to say, and no trace could explain better."""


class NotBound(Refusal):
    pass


class EntryNotFound(Refusal):
    pass


class ResultNotSerializable(Refusal):
    pass


class ResultTooLarge(Refusal):
    pass


class StartupFailed(Refusal):
    pass


def result_of(worker, value):
    """The answer of a call: type of the frame, fields of its meta, body."""
    if isinstance(value, str):
        kind, body = 'text', encode_text(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        kind, body = 'bytes', bytes(value)
    else:
        kind, body = 'json', encode_text(encode_value(value))
    if len(body) > worker.max_result_bytes:
        raise ResultTooLarge(f'the result has {len(body)} bytes, more than the {worker.max_result_bytes} allowed')
    return RESULT, '"value":"%s",' % kind, body


def encode_value(value):
    try:
        return to_json(value)
    except RecursionError:
        raise ResultNotSerializable('the result contains itself, or is nested too deeply for JSON') from None
    except Exception as error:
        raise ResultNotSerializable(f'the result cannot be said in JSON: {error}') from None


def encode_text(text):
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ResultNotSerializable(f'the result cannot be said in UTF-8: {error.reason}') from None


def describe(error, own=False):
    """Type, message and stack for FAILED and BIND_FAILED. `own`: with the shim's frames. Never raises."""
    try:
        message = str(error)[:ERROR_CHARS]
    except BaseException:
        message = '(an error whose text cannot be had)'
    try:
        stack = '' if isinstance(error, Refusal) else format_stack(error, own)[-ERROR_CHARS:]
    except BaseException:  # out of memory or of stack, or an exception class that breaks its own printing
        stack = ''
    return {'type': type(error).__name__, 'message': message, 'stack': stack}


def format_stack(error, own):
    from traceback import TracebackException

    trace = TracebackException(type(error), error, error.__traceback__, limit=-STACK_FRAMES)
    if not own:
        hide_shim(trace)
    return ''.join(trace.format()).rstrip()


def hide_shim(trace):
    """Takes the shim's own frames out of a trace and of all that it is chained to."""
    if trace is None:
        return
    trace.stack[:] = [frame for frame in trace.stack if frame.filename != SHIM]
    hide_shim(trace.__cause__)
    hide_shim(trace.__context__)
    for member in getattr(trace, 'exceptions', None) or ():
        hide_shim(member)


# ---------------------------------------------------------------------------------------------------------------------
# Loading


def enter(meta):
    """Makes the process look like a program started in the code's folder."""
    code, env = meta['code'], meta.get('env') or {}
    os.environ.pop('TAIBAI_SOCKET', None)
    os.environ.update(env)
    if 'TZ' in env:
        time.tzset()
    os.chdir(code)
    own = ('', os.path.dirname(SHIM))
    further = [path for path in env.get('PYTHONPATH', '').split(os.pathsep) if path]
    sys.path[:] = [code, *further, *(path for path in sys.path if path not in own)]
    sys.argv = [code]
    sys.dont_write_bytecode = True  # the folder may be shared with other workers
    forget_shadowed(code)


def forget_shadowed(code):
    """A module of the function goes before one of the standard library, as always, even if that is loaded already."""
    shadowed = set(modules_in(code)) & set(sys.modules) - LOADED_BY_PYTHON
    for name in list(sys.modules):
        if name.partition('.')[0] in shadowed:
            del sys.modules[name]


def modules_in(folder):
    for name in os.listdir(folder):
        if name.endswith(('.py', '.so')):
            yield name.partition('.')[0]
        elif '.' not in name and os.path.exists(os.path.join(folder, name, '__init__.py')):
            yield name


def load(code, entry):
    """The callable that the entry names."""
    module_name, _, name = entry.rpartition('.')
    path = module_name[2:] if module_name.startswith('./') else module_name
    dotted = path.replace('/', '.')
    if not name or not all(dotted.split('.')):
        raise EntryNotFound(f'the entry {entry!r} is not of the form module.callable')
    if '/' in path:  # modules beside it can be imported as when it lay at the top
        sys.path.insert(1, os.path.join(code, os.path.dirname(path)))
    module = load_module(code, dotted)
    function = getattr(module, name, None)
    if not callable(function):
        what = 'has no' if function is None else 'has, but as no callable,'
        raise EntryNotFound(f'the module {module_name!r} {what} {name!r}; its callables are: {callables_in(module)}')
    return function


def load_module(code, dotted):
    try:
        __import__(dotted)
    except ModuleNotFoundError as error:
        if not f'{dotted}.'.startswith(f'{error.name}.'):  # an import inside of it
            raise
        there = listing(sorted(modules_in(code)))
        raise EntryNotFound(f'there is no module {dotted!r} in the code; its modules are: {there}') from None
    module = sys.modules[dotted]
    file = os.path.join(code, f'{dotted}.py')
    if dotted in LOADED_BY_PYTHON and os.path.exists(file):
        return load_file(dotted, file)
    return module


def load_file(name, file):
    """An entry that is called like a module which Python itself needs: `time.py`, `io.py`."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f'function_{name}', file)
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def callables_in(module):
    names = sorted(name for name, value in vars(module).items() if callable(value) and not name.startswith('_'))
    return listing(names)


def listing(names):
    return ', '.join(names[:MOST_NAMES]) + (', …' if len(names) > MOST_NAMES else '') if names else 'none'


# ---------------------------------------------------------------------------------------------------------------------
# OpenStack


class OpenStackUnavailable(Exception):
    pass


class EndpointNotFound(Exception):
    pass


class OpenStack:
    """What the function acts with in OpenStack: a token of its trust, which the server renews."""

    current = None
    """Of the calls of this worker."""

    __slots__ = ('_told', '_session')

    @classmethod
    def take(cls, told):
        if not told:
            cls.current = None
            return
        if cls.current is None:
            cls.current = cls()
            cls.current._session = None
        cls.current._told = told

    def _good(self):
        if 'problem' in self._told:
            raise OpenStackUnavailable(self._told['problem'])
        return self._told

    @property
    def token(self):
        """For the header X-Auth-Token; good for some minutes at least, so ask for it when it is needed."""
        return self._good()['token']

    @property
    def auth_url(self):
        return self._good()['auth_url']

    @property
    def project_id(self):
        return self._good()['details']['project']['id']

    @property
    def user_id(self):
        return self._good()['details']['user']['id']

    @property
    def roles(self):
        """Their names."""
        return [role['name'] for role in self._good()['details']['roles']]

    @property
    def catalog(self):
        """Keystone's: [{'type', 'name', 'endpoints': [{'interface', 'region', 'url'}]}]."""
        return self._good()['catalog']

    def endpoint(self, type, interface='public', region=None):
        """The URL of a service, such as 'object-store', without a slash at its end."""
        for service in self.catalog:
            for endpoint in service['endpoints'] if service['type'] == type else ():
                if endpoint['interface'] == interface and region in (None, endpoint['region']):
                    return endpoint['url'].rstrip('/')
        where = f' in the region {region}' if region else ''
        raise EndpointNotFound(f'the catalogue has no {interface} endpoint of the type {type}{where}')

    def session(self):
        """For the clients of OpenStack: a keystoneauth1 session where the package or the image has keystoneauth1, else one
        that can do what most of its users need. Nothing is imported before it is used."""
        if self._session is None:
            self._session = LazySession(self)
        return self._session


class LazySession:
    """Becomes a session when somebody looks at it; also isinstance() looks."""

    def __init__(self, openstack):
        self.__dict__['_openstack'] = openstack

    def _made(self):
        made = self.__dict__.get('_session')
        if made is None:
            made = self.__dict__['_session'] = make_session(self._openstack)
        return made

    def __getattr__(self, name):
        return getattr(self._made(), name)

    def __setattr__(self, name, value):
        setattr(self._made(), name, value)

    @property
    def __class__(self):
        return type(self._made())


def make_session(openstack):
    try:
        from keystoneauth1 import access, session
        from keystoneauth1.identity.base import BaseIdentityPlugin
    except ImportError:
        return PlainSession(openstack)

    class TrustToken(BaseIdentityPlugin):
        """A token that others renew: one of a trust cannot be exchanged for another."""

        _known = None

        def get_access(self, session, **kwargs):
            return self.get_auth_ref(session)

        def get_auth_ref(self, session, **kwargs):
            told = openstack._good()
            if self._known is None or self._known[0] is not told:
                body = {'token': {**told['details'], 'catalog': told['catalog']}}
                self._known = told, access.create(body=body, auth_token=told['token'])
            return self._known[1]

        def invalidate(self):
            return False

    plugin = TrustToken(auth_url=openstack.auth_url, reauthenticate=False)
    return session.Session(auth=plugin)


class PlainSession:
    """What most users of a keystoneauth1 session ask of it, with nothing but the standard library."""

    auth = None
    verify = True

    def __init__(self, openstack):
        self.openstack = openstack

    def get_token(self, auth=None):
        return self.openstack.token

    def get_auth_headers(self, auth=None, **kwargs):
        return {'X-Auth-Token': self.openstack.token}

    def get_project_id(self, auth=None):
        return self.openstack.project_id

    def get_user_id(self, auth=None):
        return self.openstack.user_id

    def get_endpoint(self, auth=None, service_type=None, interface='public', region_name=None, **kwargs):
        if kwargs.get('endpoint_override'):
            return kwargs['endpoint_override']
        faces = interface if isinstance(interface, (list, tuple)) else (interface or 'public',)
        for face in faces[:-1]:
            try:
                return self.openstack.endpoint(service_type, face.removesuffix('URL'), region_name)
            except EndpointNotFound:
                pass
        return self.openstack.endpoint(service_type, faces[-1].removesuffix('URL'), region_name)

    def invalidate(self, auth=None):
        return False

    def request(
        self,
        url,
        method,
        json=None,
        data=None,
        headers=None,
        params=None,
        authenticated=None,
        endpoint_filter=None,
        endpoint_override=None,
        raise_exc=True,
        timeout=60,
        **kwargs,
    ):
        import urllib.error
        import urllib.parse
        import urllib.request

        url = self._whole_url(url, endpoint_override, endpoint_filter or {})
        if params:
            url += ('&' if '?' in url else '?') + urllib.parse.urlencode(params, doseq=True)
        headers = {'Accept': 'application/json', **(headers or {})}
        if authenticated is not False:
            headers.setdefault('X-Auth-Token', self.openstack.token)
        if json is not None:
            headers.setdefault('Content-Type', 'application/json')
            data = to_json(json)
        body = data.encode() if isinstance(data, str) else data
        request = urllib.request.Request(url, body, headers, method=method.upper())
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return PlainResponse(url, answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                response = PlainResponse(url, error.code, error.headers, error.read())
            if raise_exc:
                raise HttpError(response) from None
            return response

    def _whole_url(self, url, endpoint, wish):
        if '://' in url:
            return url
        endpoint = endpoint or self.get_endpoint(**wish)
        return f'{endpoint.rstrip("/")}/{url.lstrip("/")}'

    def get(self, url, **kwargs):
        return self.request(url, 'GET', **kwargs)

    def head(self, url, **kwargs):
        return self.request(url, 'HEAD', **kwargs)

    def post(self, url, **kwargs):
        return self.request(url, 'POST', **kwargs)

    def put(self, url, **kwargs):
        return self.request(url, 'PUT', **kwargs)

    def patch(self, url, **kwargs):
        return self.request(url, 'PATCH', **kwargs)

    def delete(self, url, **kwargs):
        return self.request(url, 'DELETE', **kwargs)


class PlainResponse:
    def __init__(self, url, status, headers, content):
        self.url = url
        self.status_code = status
        self.headers = headers
        self.content = content
        self.ok = status < 400

    @property
    def text(self):
        return self.content.decode('utf-8', 'replace')

    def json(self):
        return from_json(self.text)

    def raise_for_status(self):
        if not self.ok:
            raise HttpError(self)


class HttpError(Exception):
    """A service has answered with 4xx or 5xx."""

    def __init__(self, response):
        super().__init__(f'{response.status_code} from {response.url}')
        self.response = response
        self.http_status = self.status_code = response.status_code


# ---------------------------------------------------------------------------------------------------------------------
# Signatures: from a function to (is it async, how it is invoked); an invocation returns what `result_of` returns


def event_signature(worker, function):
    wanted = positional_parameters(function)

    def arguments(call, meta, body):
        return (read_input(meta, body), Context(call, meta))[:wanted], {}

    return invoker(worker, function, arguments)


def qinling_signature(worker, function):
    def arguments(call, meta, body):
        value = read_input(meta, body)
        context = {'os_session': OpenStack.current and OpenStack.current.session()}
        if isinstance(value, dict):
            return (), {**value, 'context': context}
        return () if value is None else (value,), {'context': context}

    return invoker(worker, function, arguments)


def invoker(worker, function, arguments):
    def invoke(call, meta, body):
        args, kwargs = arguments(call, meta, body)
        value = function(*args, **kwargs)
        if hasattr(value, '__await__'):
            value = finish_awaitable(value)
        return result_of(worker, value)

    async def invoke_async(call, meta, body):
        args, kwargs = arguments(call, meta, body)
        return result_of(worker, await function(*args, **kwargs))

    return (True, invoke_async) if is_async(function) else (False, invoke)


def http_signature(worker, function):
    if is_async(function) or positional_parameters(function) == 3:
        return True, lambda call, meta, body: invoke_asgi(function, call, meta, body)
    return False, lambda call, meta, body: invoke_wsgi(function, call, meta, body)


SIGNATURES = {'event': event_signature, 'qinling': qinling_signature, 'http': http_signature}


def code_of(function):
    """The code behind a function, a method, or an object that can be called; and whether it begins with `self`."""
    if hasattr(function, '__func__'):
        return getattr(function.__func__, '__code__', None), True
    if hasattr(function, '__code__'):
        return function.__code__, False
    return getattr(getattr(type(function), '__call__', None), '__code__', None), True


def is_async(function):
    while hasattr(function, 'func') and hasattr(function, 'keywords'):  # functools.partial
        function = function.func
    code, _ = code_of(function)
    return bool(code and code.co_flags & 0x80)  # inspect.CO_COROUTINE


def positional_parameters(function):
    """How many arguments it takes by position; None when that is unlimited or cannot be told."""
    code, is_bound = code_of(function)
    if code is None or code.co_flags & 0x04:  # inspect.CO_VARARGS
        return None
    return code.co_argcount - is_bound


# ---------------------------------------------------------------------------------------------------------------------
# HTTP


class Answer:
    """The answer of an http function: held while it may still go out in one frame, streamed when it cannot."""

    def __init__(self, call):
        self.call = call
        self.status = None
        self.headers = []
        self.held = []
        self.size = 0
        self.expected = 0
        self.is_streamed = False

    def begin(self, status, headers):
        self.status = status
        self.headers = headers
        for name, value in headers:
            if name.lower() == 'content-length' and value.isdigit() and int(value) <= HELD_ANSWER_BYTES:
                self.expected = int(value)

    def take(self, data, is_last=False):
        """Returns what must be streamed now."""
        if self.status is None:
            raise RuntimeError('the application sent a body before it started its response')
        if self.is_streamed:
            return data
        self.held.append(bytes(data))
        self.size += len(data)
        if self.size <= (WHOLE_ANSWER_BYTES if is_last else self.expected):
            return b''
        self.is_streamed = True
        self.call.wire.send(encode_frame(HEAD, self.call.number, self.head().encode('utf-8', 'backslashreplace')))
        self.call.worker.want_news()
        return b''.join(self.held)

    def end(self):
        if self.is_streamed:
            return END, '', b''
        if self.status is None:
            raise RuntimeError('the application returned without starting a response')
        return RESULT, '"value":"bytes","http":%s,' % self.head(), b''.join(self.held)

    def head(self):
        return to_json({'status': self.status, 'headers': self.headers})


def http_request(meta):
    """The request; for a call that did not come over HTTP, one that brings the input."""
    if 'http' in meta:
        return meta['http']
    kind = CONTENT_TYPES.get(meta.get('input'))
    return {'method': 'POST', 'target': '/', 'headers': [['content-type', kind]] if kind else []}


CONTENT_TYPES = {'json': 'application/json', 'text': 'text/plain; charset=utf-8', 'bytes': 'application/octet-stream'}


def invoke_wsgi(application, call, meta, body):
    answer = Answer(call)

    def start_response(status, headers, exc_info=None):
        if exc_info and answer.is_streamed:
            raise exc_info[1].with_traceback(exc_info[2])
        answer.begin(int(status.split(None, 1)[0]), headers)
        return lambda data: call.stream_body(answer.take(data))

    parts = application(wsgi_environ(call, meta, body), start_response)
    try:
        if isinstance(parts, (list, tuple)):
            call.stream_body(answer.take(b''.join(parts), True))
        else:
            for part in parts:
                if part:
                    call.stream_body(answer.take(part))
    except ClientGone:
        pass
    finally:
        if hasattr(parts, 'close'):
            parts.close()
    return answer.end()


def wsgi_environ(call, meta, body):
    request = http_request(meta)
    path, _, query = request['target'].partition('?')
    environ = {
        'REQUEST_METHOD': request['method'],
        'SCRIPT_NAME': '',
        'PATH_INFO': unquote(path).decode('latin-1'),
        'QUERY_STRING': query,
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.version': (1, 0),
        'wsgi.url_scheme': 'http',
        'wsgi.input': io.BytesIO(body),
        'wsgi.input_terminated': True,
        'wsgi.errors': sys.stderr,
        'wsgi.multithread': not call.worker.output.is_exclusive,
        'wsgi.multiprocess': False,
        'wsgi.run_once': False,
        'taibai.context': Context(call, meta),
    }
    for name, value in request['headers']:
        key = 'HTTP_' + name.upper().replace('-', '_')
        if key in environ:
            value = environ[key] + ('; ' if key == 'HTTP_COOKIE' else ',') + value
        environ[key] = value
    environ.pop('HTTP_CONTENT_LENGTH', None)
    environ['CONTENT_LENGTH'] = str(len(body)) if body else ''
    environ['CONTENT_TYPE'] = environ.pop('HTTP_CONTENT_TYPE', '')
    if environ.get('HTTP_X_FORWARDED_PROTO') == 'https':
        environ['wsgi.url_scheme'] = 'https'
        environ['SERVER_PORT'] = '443'
    if 'HTTP_HOST' in environ:
        name, _, port = environ['HTTP_HOST'].rpartition(':')
        environ['SERVER_NAME'] = name if port.isdigit() else environ['HTTP_HOST']
        environ['SERVER_PORT'] = port if port.isdigit() else environ['SERVER_PORT']
    return environ


def unquote(path):
    if '%' not in path:
        return as_bytes(path)
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path)


async def invoke_asgi(application, call, meta, body):
    answer = Answer(call)
    request = AsgiRequest(call, answer, body)
    try:
        await application(asgi_scope(call, meta), request.receive, request.send)
    except Exception as error:
        if not request.is_complete and not (call.is_cancelled and answer.is_streamed):
            raise
        if request.is_complete:  # frameworks raise once more behind the page that they have sent for an error
            print(describe(error)['stack'], file=sys.stderr)
    return answer.end()


class AsgiRequest:
    def __init__(self, call, answer, body):
        self.call = call
        self.answer = answer
        self.body = body
        self.is_complete = False
        """Whether the application has sent the last piece of its answer."""
        self.start = None

    async def receive(self):
        if self.body is not None:
            body, self.body = self.body, None
            return {'type': 'http.request', 'body': body, 'more_body': False}
        if not self.is_complete:
            await self.call.abort_signal()
        return {'type': 'http.disconnect'}

    async def send(self, message):
        if message['type'] == 'http.response.start':
            headers = [(as_text(name), as_text(value)) for name, value in message.get('headers', ())]
            self.answer.begin(message['status'], headers)
        elif message['type'] == 'http.response.body':
            is_last = not message.get('more_body', False)
            await self.call.stream_body_async(self.answer.take(message.get('body', b''), is_last))
            if is_last:
                self.finish()

    def finish(self):
        self.is_complete = True
        if self.call.signal is not None:  # applications wait for the disconnect that follows their answer
            self.call.signal._fire()


def as_bytes(text):
    return text.encode('latin-1', 'replace')


def as_text(data):
    return data if isinstance(data, str) else bytes(data).decode('latin-1')


def asgi_scope(call, meta):
    from urllib.parse import unquote as unquote_text

    request = http_request(meta)
    path, _, query = request['target'].partition('?')
    headers = [(as_bytes(name.lower()), as_bytes(value)) for name, value in request['headers']]
    named = dict(headers)
    host, _, port = named.get(b'host', b'localhost').decode('latin-1').partition(':')
    return {
        'type': 'http',
        'asgi': {'version': '3.0', 'spec_version': '2.3'},
        'http_version': '1.1',
        'method': request['method'],
        'scheme': 'https' if named.get(b'x-forwarded-proto') == b'https' else 'http',
        'path': unquote_text(path),
        'raw_path': as_bytes(path),
        'query_string': as_bytes(query),
        'root_path': '',
        'headers': headers,
        'client': None,
        'server': (host, int(port) if port.isdigit() else 80),
        'state': dict(Lifespan.state),
        'taibai.context': Context(call, meta),
    }


class Lifespan:
    """ASGI's start-up event, in which applications open what they need. The end of a worker is not announced."""

    state = {}
    task = None

    @classmethod
    async def start(cls, application):
        import asyncio

        loop = asyncio.get_running_loop()
        started, never = loop.create_future(), loop.create_future()
        events = iter(({'type': 'lifespan.startup'},))

        async def receive():
            return next(events, None) or await never

        async def send(message):
            if message['type'] == 'lifespan.startup.failed' and not started.done():
                report = message.get('message', '').rstrip()  # frameworks put a whole trace here
                print(report, file=sys.stderr)
                started.set_exception(StartupFailed(report.rpartition('\n')[2]))
            elif message['type'] == 'lifespan.startup.complete' and not started.done():
                started.set_result(None)

        async def live():
            try:
                asgi = {'version': '3.0', 'spec_version': '2.0'}
                await application({'type': 'lifespan', 'asgi': asgi, 'state': cls.state}, receive, send)
            except Exception:
                pass  # an application that knows no lifespan raises, and is served all the same
            if not started.done():
                started.set_result(None)

        cls.task = loop.create_task(live())
        await started


if __name__ == '__main__':
    main()
