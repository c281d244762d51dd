"""The Python worker: speaks the worker protocol (runtimes/README.md) for one function.

A reader walks: main (and relay, where the link is encrypted) → worker → wire → log, calls, output, watcher → own_process → serving/ → loading (and code) → context, results, errors; then
signatures/ with web/ behind `http`, and openstack. Signatures, ways of serving and OpenStack are loaded when BIND or SESSION
ask for them.

Start-up time is a feature: modules are imported where they are first needed, and C modules directly where their Python
wrappers cost milliseconds (`json` and `socket` would bring `re`, `enum` and `selectors` along).
"""

import sys
from _socket import AF_INET, AF_UNIX, IPPROTO_TCP, SO_KEEPALIVE, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY, socket
from posix import environ  # with -S, `os` is not loaded yet

PACKAGE = 'taibai_shim'
"""Name of the folder as a package, which no function's module has."""

HELLO, KNOCK = 16, 25

PRELOADED = (
    *(f'{PACKAGE}.{name}' for name in ('signatures.event', 'serving.inline')),
    *('json', 'threading', 'traceback', 'logging', 'datetime', 'typing', 'socket', 'urllib.parse', 'inspect'),
)
"""Takes 30 ms and 4 MB. asyncio is left out: another 3 MB in every worker, for the few functions that use it."""


def main():
    """Does not return: the process ends with the connection, or when the function ends it."""
    started_anew = b'TAIBAI_CONNECTION' in environ
    # Before all other imports: they overlap with the server's preparations.
    connection = handed_over() if started_anew else say_hello()
    if sys.flags.no_site:  # -S defers this part of the interpreter's start: site-packages, exit() and so on
        import site

        site.main()
    become_package()
    ignore_interrupts()
    from taibai_shim.wire import Wire
    from taibai_shim.worker import Worker

    worker = Worker(Wire(connection), started_anew)
    try:
        if started_anew:
            from taibai_shim.own_process import take_over

            take_over(worker.wire)
        preload(worker.wire)
        worker.await_bind()
        worker.serve()
    except BaseException as error:
        worker.give_up(error)


def handed_over():
    """The connection of this process before it was restarted (exec) with the function's environment."""
    return socket(fileno=int(environ[b'TAIBAI_CONNECTION'].split()[0]))


def say_hello():
    """Connects to the server."""
    path = environ.get(b'TAIBAI_SOCKET')
    if path:
        connection = socket(AF_UNIX, SOCK_STREAM)
        connection.connect(path)
    elif environ.get(b'TAIBAI_SERVER'):
        connection = call_server()
    else:
        sys.exit('this is a worker of Taibai, which sets TAIBAI_SOCKET; it cannot be started by hand')
    connection.sendall(frame(HELLO, b'{"protocol":1,"runtime":"python3","version":"%d.%d.%d"}' % sys.version_info[:3]))
    return connection


def call_server():
    """A connection to a server that shares no disk with this worker, or to a process of our own that speaks TLS with it."""
    certificate = read_key()[1]
    return behind_relay(certificate) if certificate else dial('frames')


def read_key():
    """The worker's name with its secret, and the certificate that the server has to show; empty: the link is not encrypted."""
    import posix

    file = posix.open(environ[b'TAIBAI_KEY'], posix.O_RDONLY)
    key, begin, rest = posix.read(file, 16384).partition(b'-----BEGIN')
    posix.close(file)
    return key.strip(), begin + rest


def place_of_server():
    host, _, port = environ[b'TAIBAI_SERVER'].decode().rpartition(':')
    return host, int(port)


def dial(stream):
    connection = socket(AF_INET, SOCK_STREAM)
    connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    connection.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    connection.connect(place_of_server())
    connection.sendall(knock(stream))
    return connection


def knock(stream):
    """The first frame of a connection: which of the three it is, and which worker, with the proof."""
    return frame(KNOCK, b'{"stream":"%s"}' % stream.encode(), read_key()[0])


def behind_relay(certificate):
    """From here on this is a child. Its descriptors 1 and 2 lead to the relay, as the connection does."""
    import posix
    from _socket import socketpair

    here, there = socketpair()
    pipes = posix.pipe(), posix.pipe()
    child = posix.fork()
    if child:
        there.close()
        for _, way in pipes:
            posix.close(way)
        become_package()
        from taibai_shim.relay import relay

        relay(child, here.detach(), [end for end, _ in pipes], place_of_server(), certificate.decode(), knock)
    here.close()
    for number, (end, way) in enumerate(pipes, 1):
        posix.dup2(way, number)
        posix.close(end)
        posix.close(way)
    for name in b'TAIBAI_SERVER', b'TAIBAI_KEY':
        del environ[name]
        posix.unsetenv(name)
    return there


def frame(kind, meta, body=b''):
    return (9 + len(meta) + len(body)).to_bytes(4, 'big') + bytes((kind, 0, 0, 0, 0)) + len(meta).to_bytes(4, 'big') + meta + body


def become_package():
    """Finds the files beside this one without an entry in sys.path, which belongs to the function."""
    import os

    package = sys.modules[PACKAGE] = type(sys)(PACKAGE)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    package.LOADED_BY_PYTHON = frozenset(sys.modules)


def ignore_interrupts():
    """Ctrl-C in a terminal reaches the whole process group, but the server ends workers."""
    from _signal import SIGINT, signal

    signal(SIGINT, lambda number, frame: None)  # SIG_IGN is not used, because the function's child processes would inherit it


def preload(wire):
    """While a generic worker waits, it imports common modules, until a frame arrives."""
    for name in PRELOADED:
        if wire.has_news():
            return
        __import__(name)


if __name__ == '__main__':  # false in a child process of the function, which may load this file again
    main()
