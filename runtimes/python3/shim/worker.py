"""The worker: the common part of all ways of serving. Waits for BIND, loads the function, runs its calls and ends them."""

import faulthandler
import gc
import os
import sys
import time
from atexit import _run_exitfuncs as run_exit_functions
from _contextvars import copy_context
from _signal import SIG_BLOCK, SIG_DFL, SIG_SETMASK, SIGTERM, getsignal, pthread_sigmask, signal
from _thread import allocate_lock, get_ident, start_new_thread

from .calls import Call
from .context import Context
from .errors import NotBound, describe
from .json_text import to_json
from .loading import enter, load
from .log import CURRENT
from .meter import memory_meter, stall_meter
from .output import Output, show_log_records
from .serving import choose_serving
from .signatures import load_signature
from .watcher import Watcher
from .wire import (
    BIND,
    BIND_FAILED,
    BOUND,
    CALL,
    CANCEL,
    CODE,
    CREDIT,
    FAILED,
    MAX_FRAME_BYTES,
    SESSION,
    SHIM_FAILED,
    ProtocolError,
    encode_frame,
    read_meta,
)

PROTOCOL_BROKEN = 76  # exit code
FAILED_META_BYTES = 64 * 1024


class Worker:
    def __init__(self, wire, started_anew=False):
        self.wire = wire
        self.started_anew = started_anew
        self.calls = {}
        self.is_child = self.is_bound = False
        self.exit_code = None
        """Set when the worker exits after the calls in flight."""
        self.leaving = allocate_lock()
        """Acquired, and not released, by the one thread that ends the process."""
        self.output = Output(self)
        self.watcher = Watcher(self)
        self.cpu_time = time.process_time
        self.memory_peak = memory_meter()
        self.stalled_ms = stall_meter()
        self.watcher.start()
        signal(SIGTERM, self.terminate)
        self.hold_sigterm_at_fork()

    def hold_sigterm_at_fork(self):
        """A SIGTERM that reaches a child at its very beginning waits until become_child: before that, the interpreter drops it,
        or the worker's own handler takes it, and the child goes on."""
        masks = {}

        def hold():
            masks[get_ident()] = pthread_sigmask(SIG_BLOCK, (SIGTERM,))

        def release():
            pthread_sigmask(SIG_SETMASK, masks.pop(get_ident(), ()))

        os.register_at_fork(before=hold, after_in_parent=release, after_in_child=self.become_child)
        os.register_at_fork(after_in_child=release)

    def become_child(self):
        """A forked process of the function, which must not speak to the server."""
        self.is_child = True
        self.wire.sock.close()
        if getsignal(SIGTERM) == self.terminate:
            signal(SIGTERM, SIG_DFL)

    def await_bind(self):
        """Returns when a function is bound; calls that followed BIND are then among the wire's frames."""
        failed = False
        while not self.is_bound:
            kind, number, meta, body = self.wire.receive()
            if kind == CALL:
                reason = 'the function could not be loaded' if failed else 'no function is bound yet'
                self.fail(Call(number, self), NotBound(reason))
            elif kind == BIND and failed:
                self.refuse_bind()
            elif kind == CODE:
                from .code import lay_out

                lay_out(read_meta(meta), body)
            elif kind == BIND:
                self.bind(read_meta(meta), meta)
                failed = not self.is_bound

    def bind(self, meta, sent):
        started = time.perf_counter()
        try:
            self.start_anew_for(meta, sent)
            faulthandler.enable(2)  # a crash of the interpreter prints its position
            signature = load_signature(meta['signature'])
            enter(meta)
            Context.describe_function(meta)
            function = signature.load(meta) if hasattr(signature, 'load') else load(meta['code'], meta['entry'])
            self.base_context = copy_context()
            self.output.is_exclusive = meta['concurrency'] == 1
            self.max_result_bytes = min(meta['max_result_bytes'], MAX_FRAME_BYTES - FAILED_META_BYTES)
            is_async, self.invoke = signature.prepare(self, function)
            self.serve = choose_serving(self, is_async, meta['concurrency']).serve
            show_log_records()
            gc.freeze()  # loaded objects stay: searching them for garbage would cost calls up to 5 ms each time
        except BaseException as error:  # SystemExit too: code that exits while it is loaded cannot be bound
            self.report_bind(BIND_FAILED, to_json(describe(error)))
        else:
            self.is_bound = True
            told = ',' + to_json(signature.described(function))[1:-1] if hasattr(signature, 'described') else ''
            self.report_bind(BOUND, '{"load_ms":%.3f%s}' % ((time.perf_counter() - started) * 1000, told))

    def start_anew_for(self, meta, sent):
        """Returns unless a restart is needed."""
        env = meta.get('env')
        if not env or self.started_anew:
            return
        from .own_process import needs_own_process, start_anew

        if needs_own_process(env):
            start_anew(self.wire, sent, env)

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
        """Runs one call of a sync function, including the frame that ends it."""
        meta = read_meta(meta)
        try:
            # A context of its own: values that a call puts into a ContextVar are not visible in the next one.
            answer = self.base_context.copy().run(self.run_in_context, call, meta, body)
        except BaseException as error:  # any exception of the function fails its call, not the worker
            self.fail(call, error)
        else:
            self.end(call, *answer)

    def run_in_context(self, call, meta, body):
        CURRENT.set(call)
        return self.invoke(call, meta, body)

    async def run_async(self, call, meta, body):
        """The same for an async function. It runs as a task, so it has a context of its own already."""
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
        """Sends the frame that ends the call, after its output. `fields`: of the meta, each with a comma."""
        if self.is_child:
            os._exit(0)  # the function forked, and the child returns here
        run_ms = (time.perf_counter() - call.started) * 1000
        cpu_ms = (self.cpu_time() - call.cpu_started) * 1000
        if self.exit_code is not None:
            fields = '"last":true,' + fields
        stalled_ms = self.stalled_ms()
        if stalled_ms is not None:
            fields += '"stalled_ms":%.3f,' % stalled_ms
        meta = '{%s"run_ms":%.3f,"cpu_ms":%.3f,"memory_peak_bytes":%d}' % (fields, run_ms, cpu_ms, self.memory_peak())
        frame = encode_frame(kind, call.number, meta.encode('utf-8', 'backslashreplace'), body)
        with self.wire.lock:
            call.is_over = True
            self.calls.pop(call.number, None)
            self.wire.send(call.take_frames() + frame if call.texts else frame)
        self.watcher.is_reading = False
        if self.exit_code is not None and not self.calls:
            self.exit(self.exit_code)

    def exit(self, code):
        """sys.exit() in a function ends the process, as in a program, and runs its atexit handlers once: a thread that comes
        later waits here for the end."""
        self.leaving.acquire()
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
        try:
            run_exit_functions()
        finally:
            self.output.flush()
            os._exit((code or 0) & 0xFF)

    def terminate(self, number, frame):
        """SIGTERM: the worker will be removed soon. Exits like sys.exit() when no call is in flight, unless the function
        handles the signal itself."""
        self.exit_code = 128 + number
        if self.calls or self.leaving.locked():
            return
        if self.wire.is_sending:  # possibly this thread, which cannot continue before this returns
            start_new_thread(self.exit, (self.exit_code,))
        else:
            self.exit(self.exit_code)

    def give_up(self, error):
        """The shim cannot continue: reports it to waiting callers, and the reason to the process's own output."""
        if self.is_child:
            os._exit(SHIM_FAILED)
        try:
            report = describe(error, own=True)
            os.write(2, f'{report["stack"]}\n'.encode('utf-8', 'backslashreplace'))
            if not isinstance(error, ProtocolError) and self.wire.lock.acquire(timeout=1):
                for call in list(self.calls.values()):
                    self.end(call, FAILED, '"last":true,' + to_json(report)[1:-1] + ',')
        finally:
            os._exit(PROTOCOL_BROKEN if isinstance(error, ProtocolError) else SHIM_FAILED)

    def notice(self, frame):
        """Handles any frame except CALL, on the thread that has read it."""
        kind, number, meta, _ = frame
        call = self.calls.get(number)
        if kind == BIND:
            self.refuse_bind()
        elif kind == CANCEL and call:
            call.cancel()
        elif kind == CREDIT and call:
            call.grant(read_meta(meta).get('bytes', 0))
        elif kind == SESSION:
            from .openstack import take_session

            take_session(read_meta(meta))

    def want_news(self):
        """Called when a call waits for CANCEL or CREDIT. When serving on the main thread, the Watcher reads meanwhile."""


def child_failed(error):
    """A forked child raised: ends as Python would."""
    try:
        print(describe(error)['stack'], file=sys.stderr)
    finally:
        os._exit(1)
