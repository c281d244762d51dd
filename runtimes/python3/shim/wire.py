"""Frames as in runtimes/README.md, and the connection."""

import os
from _collections import deque
from _socket import MSG_DONTWAIT, MSG_PEEK
from _struct import Struct
from _thread import RLock
from errno import EAGAIN, EBADF, ECONNRESET, EHOSTUNREACH, ENETUNREACH, EPIPE, ETIMEDOUT

from .json_text import from_json

BIND, CALL, CANCEL, CREDIT, SESSION, CODE = range(1, 7)
HELLO, BOUND, BIND_FAILED, RESULT, FAILED, LOG, HEAD, CHUNK, END = range(16, 25)
FRAME_HEAD = Struct('>IBII')  # length, type, call, length of meta

MAX_FRAME_BYTES = 16 * 1024 * 1024
RECEIVE_BYTES = 64 * 1024

LINK_LOST, SHIM_FAILED = 113, 70  # exit codes
LOST = (EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH)


def encode_frame(kind, call, meta, body=b''):
    return FRAME_HEAD.pack(9 + len(meta) + len(body), kind, call, len(meta)) + meta + body


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
        """Held while sending and changing what will be sent, so that no output of a call comes after its end."""
        self.is_sending = False
        self.postponed = []

    def receive(self):
        """Waits for the next frame."""
        while not self.frames:
            self.take_in(0)
        return self.frames.popleft()

    def poll(self):
        """Reads the available data without waiting."""
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
            os._exit(SHIM_FAILED if error.errno == EBADF else LINK_LOST)  # EBADF: the function has closed it
        if not data:
            os._exit(LINK_LOST)
        self.frames.extend(self.reader.push(data))

    def has_news(self):
        try:
            self.sock.recv(1, MSG_PEEK | MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def send(self, data):
        with self.lock:
            if self.is_sending:  # this thread already sends: a signal handler or a __del__ has printed in between
                self.postponed.append(data)
                return
            self.is_sending = True
            try:
                self.send_all(data)
                while self.postponed:
                    self.send_all(self.postponed.pop(0))
            except OSError as error:
                if error.errno not in LOST:
                    raise
                os._exit(LINK_LOST)
            finally:
                self.is_sending = False

    def send_all(self, data):
        """Sends everything or, when a signal handler raises before the first byte, nothing."""
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
                interruption = error  # raised later: half a frame would break the connection
        if interruption:
            raise interruption


class FrameReader:
    """Splits arriving bytes into frames: (type, call, meta, body)."""

    def __init__(self):
        self.rest = bytearray()
        self.wanted = 4  # bytes needed for the next step; avoids looking at each piece of a large frame

    def appetite(self):
        """Number of bytes to request: more in the middle of a large frame."""
        return RECEIVE_BYTES if self.wanted <= RECEIVE_BYTES else 16 * RECEIVE_BYTES

    def push(self, data):
        if not self.rest and len(data) >= 13:
            length, kind, call, meta_size = FRAME_HEAD.unpack_from(data)
            if length + 4 == len(data) and meta_size <= length - 9:  # exactly one frame, the usual case
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
        with memoryview(rest) as view:  # released at once, because `rest` could not be shortened otherwise
            return kind, call, bytes(view[at + 13 : body]), bytes(view[body:end])


def read_meta(meta):
    try:
        value = from_json(str(meta, 'utf-8')) if meta else {}
    except (ValueError, RecursionError):
        value = None
    if type(value) is not dict:
        raise ProtocolError('the meta of a frame is not a JSON object')
    return value
