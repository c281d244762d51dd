"""Printed text that is not sent yet."""

from _contextvars import ContextVar

from .wire import LOG, encode_frame

LOG_CHARS = 32 * 1024  # a call that has printed this much sends it
LOG_FRAME_CHARS = 1024 * 1024

CURRENT = ContextVar('taibai_call', default=None)
"""The call for which this thread or task works."""


class Log:
    """Text printed in one call, or outside of all calls, that is not sent yet. For holders of the wire's lock."""

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
            self.flush()  # output to both streams arrives in the order in which it was printed
            self.stream = stream
        self.texts.append(text)
        self.chars += len(text)
        if self.chars > LOG_CHARS:
            self.flush_lines()

    def flush(self):
        if self.texts:
            self.wire.send(self.take_frames())

    def flush_lines(self):
        """Sends the complete lines; keeps an incomplete last line."""
        text = self.take_text()
        end = text.rfind('\n') + 1 or (len(text) if len(text) > LOG_CHARS else 0)
        if end:
            self.wire.send(log_frames(self.number, self.stream, text[:end]))
        if end < len(text):
            self.texts.insert(0, text[end:])
            self.chars += len(text) - end

    def tick(self):
        """Whether there was anything to send. An incomplete line waits for one more tick."""
        if not self.texts:
            return False
        self.flush() if self.has_waited else self.flush_lines()
        self.has_waited = bool(self.texts)
        return True

    def take_frames(self):
        return log_frames(self.number, self.stream, self.take_text())

    def take_text(self):
        texts, self.texts = self.texts, []  # must come first: a signal handler may print while they are joined
        self.chars = 0
        return ''.join(texts)


def log_frames(call, stream, text):
    meta = b'' if stream == 'stdout' else b'{"stream":"stderr"}'
    if len(text) <= LOG_FRAME_CHARS:
        return encode_frame(LOG, call, meta, text.encode('utf-8', 'backslashreplace')) if text else b''
    pieces = (text[at : at + LOG_FRAME_CHARS] for at in range(0, len(text), LOG_FRAME_CHARS))
    return b''.join(encode_frame(LOG, call, meta, piece.encode('utf-8', 'backslashreplace')) for piece in pieces)
