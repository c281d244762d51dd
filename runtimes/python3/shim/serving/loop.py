"""Calls of an async function: tasks of one event loop that lives as long as the worker."""

import asyncio
import sys

from ..calls import Call
from ..wire import CALL, ProtocolError, read_meta


class Loop:
    """Calls of an async function: tasks of one event loop that lives as long as the worker."""

    def __init__(self, worker):
        self.worker = worker
        self.asyncio_loop = event_loop()
        self.start_task = task_starter(self.asyncio_loop)

    def serve(self):
        self.asyncio_loop.add_reader(self.worker.wire.fileno, self.read)
        self.asyncio_loop.call_soon(self.read)  # frames that followed BIND are already there
        while True:
            try:
                self.asyncio_loop.run_forever()  # returns when the function stops the loop, which it should not
            except SystemExit as error:  # raised by a task or callback that the function has left behind
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
                # The call keeps a reference to its task, because the loop's is weak.
                call.task = self.start_task(worker.run_async(call, read_meta(meta), body))
            else:
                worker.notice(frame)


def task_starter(loop):
    """From Python 3.12 on, tasks can start at once instead of in the loop's next iteration."""
    from asyncio import Task

    if sys.version_info < (3, 12):
        return loop.create_task
    return lambda coroutine: Task(coroutine, loop=loop, eager_start=True)


def event_loop():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            return asyncio.get_event_loop()  # the loop that the code may have obtained while it was loaded
        except RuntimeError:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            return loop
