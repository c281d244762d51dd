"""The first process of a worker whose link is encrypted.

The shim proper is its child and has plain descriptors: 1, 2, and a socket for frames. This one carries them to the server, each
over a TLS connection of its own. It outlives the child: what the child wrote before it died, by whatever way, still arrives.
"""

import os
import select
import signal
import socket
import ssl
import sys

SERVER_NAME = 'taibai'
"""In the certificate; the server itself is reached at an address."""
PIECE_BYTES = 64 * 1024
FAREWELL_SECONDS = 5
"""How long the server may take to read the last words."""
LOG = 21
LINK_LOST, SHIM_FAILED = 113, 70  # exit codes
FAREWELL_PIECES = 16
"""More than the kernel holds of a pipe or a socket: who goes on printing without end is not waited for."""


def relay(child, here, printed, place, certificate, knock):
    """Never returns. `here` and `printed`: this end of what the child has as frames, 1 and 2. `knock` makes the first frame of a stream."""
    try:
        signals = watch(child)
        ways = [Way(end, dial(place, certificate, knock(name))) for end, name in zip(printed, ('stdout', 'stderr'))]
        frames = Way(here, dial(place, certificate, knock('frames')))
    except OSError as error:
        print(f'taibai shim: the server cannot be reached: {error}', file=sys.stderr, flush=True)
        os._exit(SHIM_FAILED)
    Relay(child, signals, ways, frames).run()


def watch(child):
    """A descriptor that can be read when the child may have ended."""
    told, tell = os.pipe()
    for end in told, tell:
        os.set_blocking(end, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in signal.SIGCHLD, signal.SIGINT:
        signal.signal(number, lambda number, frame: None)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, signal.SIGTERM))
    return told


def dial(place, certificate, first):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=certificate)
    connection = socket.create_connection(place)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    secure = context.wrap_socket(connection, server_hostname=SERVER_NAME)
    secure.sendall(first)
    secure.setblocking(False)
    return secure


class Way:
    """A descriptor of the child's and the connection that it leads to."""

    def __init__(self, here, there):
        self.here, self.there = here, there
        os.set_blocking(here, False)
        self.is_open = True
        self.down = b''
        """What came for the child, who has not taken it yet."""

    def take(self):
        """What the child wrote; nothing: there is none now."""
        try:
            piece = os.read(self.here, PIECE_BYTES)
        except BlockingIOError:
            return b''
        except OSError:
            piece = b''
        self.is_open = piece != b''
        return piece

    def send(self, piece):
        """All of it. The server always reads."""
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[self.there.send(rest) :]
            except ssl.SSLWantWriteError:
                poll_once(self.there, select.POLLOUT)
            except ssl.SSLWantReadError:
                poll_once(self.there, select.POLLIN)

    def receive(self):
        """False when the server has gone."""
        while not self.down:
            try:
                self.down = self.there.recv(PIECE_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return True
            if not self.down:
                return False
            self.hand_down()
        return True

    def hand_down(self):
        try:
            while self.down:
                self.down = self.down[os.write(self.here, self.down) :]
        except BlockingIOError:
            pass
        except OSError:  # the child is gone, or going
            self.down = b''


class Relay:
    def __init__(self, child, signals, printed, frames):
        self.child, self.signals = child, signals
        self.printed, self.frames = printed, frames
        self.ways = [*printed, frames]

    def run(self):
        """Never returns."""
        while True:
            if not self.wait():
                os._exit(LINK_LOST)
            self.pass_up()
            code = self.end_of_child()
            if code is not None:
                self.say_farewell()
                os._exit(code)

    def wait(self):
        """Until there is something to do. False when the server has gone."""
        poll = select.poll()
        poll.register(self.signals, select.POLLIN)
        for way in self.ways:
            wanted = (select.POLLIN if way.is_open else 0) | (select.POLLOUT if way.down else 0)
            if wanted:
                poll.register(way.here, wanted)
            if not way.down:
                poll.register(way.there, select.POLLIN)
        events = dict(poll.poll())
        if events.get(self.frames.here, 0) & ~select.POLLIN:
            self.frames.hand_down()
        try:
            return all([way.receive() for way in self.ways])
        except OSError:
            return False

    def pass_up(self):
        """Prints of the shim, what was printed past it, then the frame that may end a call. Returns whether there was anything."""
        frames = self.frames.take() if self.frames.is_open else b''
        logs = logs_at_start(frames)
        printed = [(way, way.take()) for way in self.printed if way.is_open]
        pieces = [(self.frames, frames[:logs]), *printed, (self.frames, frames[logs:])]
        for way, piece in pieces:
            way.send(piece)
        return any(piece for _, piece in pieces)

    def end_of_child(self):
        """Its exit code. Other children are those that it has left behind, when this is the first process of all."""
        try:
            os.read(self.signals, PIECE_BYTES)
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            if pid == 0:
                return None

    def say_farewell(self):
        """When nothing comes any more. Others may hold the descriptors still: their end is not waited for."""
        for _ in range(FAREWELL_PIECES):
            if not self.pass_up():
                break
        for way in self.ways:
            way.there.settimeout(FAREWELL_SECONDS)
            try:
                way.there.unwrap()
            except OSError:
                pass


def logs_at_start(piece):
    """Bytes of the LOG frames that a piece begins with, as it does unless it is of the middle of a long one."""
    at = 0
    while len(piece) - at > 4 and piece[at + 4] == LOG:
        length = 4 + int.from_bytes(piece[at : at + 4], 'big')
        if at + length > len(piece):
            break
        at += length
    return at


def poll_once(connection, event):
    poll = select.poll()
    poll.register(connection, event)
    poll.poll()
