"""One call at a time, on the main thread."""

from ..calls import Call
from ..wire import CALL, ProtocolError


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
                if isinstance(error, SystemExit):
                    self.worker.exit(error.code)
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
