"""The Python worker: speaks the worker protocol (runtimes/README.md) for one function.

A reader walks: main → worker → wire → log, calls, output, watcher → serving/ → loading → context, results, errors; then
signatures/ with web/ behind `http`, and openstack. Signatures, ways of serving and OpenStack are loaded when BIND or SESSION
ask for them.

Start-up time is a feature: modules are imported where they are first needed, and C modules directly where their Python
wrappers cost milliseconds (`json` and `socket` would bring `re`, `enum` and `selectors` along).
"""

import sys
from _socket import AF_UNIX, SOCK_STREAM, socket

PACKAGE = 'taibai_shim'
"""The folder's name as a package: one that no function's own modules have."""

PRELOADED = (
    *(f'{PACKAGE}.{name}' for name in ('signatures.event', 'serving.inline')),
    *('json', 'threading', 'traceback', 'logging', 'datetime', 'typing', 'socket', 'urllib.parse', 'inspect'),
)
"""30 ms and 4 MB. Not asyncio: another 3 MB in every worker, for those few that use it."""


def main():
    """Never returns: the process ends with the connection, or when the function ends it."""
    connection = say_hello()  # before all else is imported: what follows then overlaps with the server's preparations
    if sys.flags.no_site:  # with -S this part of the interpreter's start comes here: site-packages, exit() …
        import site

        site.main()
    become_package()
    ignore_interrupts()
    from taibai_shim.wire import Wire
    from taibai_shim.worker import Worker

    worker = Worker(Wire(connection))
    try:
        preload(worker.wire)
        worker.await_bind()
        worker.serve()
    except BaseException as error:
        worker.give_up(error)


def say_hello():
    """Connects to the server."""
    import posix  # `os` is not there yet when started with -S

    path = posix.environ.get(b'TAIBAI_SOCKET')
    if not path:
        sys.exit('this is a worker of Taibai, which sets TAIBAI_SOCKET; it cannot be started by hand')
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.connect(path)
    meta = b'{"protocol":1,"runtime":"python3","version":"%d.%d.%d"}' % sys.version_info[:3]
    connection.sendall((9 + len(meta)).to_bytes(4, 'big') + b'\x10\0\0\0\0' + len(meta).to_bytes(4, 'big') + meta)
    return connection


def become_package():
    """The files beside this one are found without a place in sys.path, which belongs to the function."""
    import os

    package = sys.modules[PACKAGE] = type(sys)(PACKAGE)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    package.LOADED_BY_PYTHON = frozenset(sys.modules)


def ignore_interrupts():
    """Ctrl-C in a terminal reaches the whole process group, but ending workers is the server's business."""
    from _signal import SIGINT, signal

    signal(SIGINT, lambda number, frame: None)  # not SIG_IGN: the function's child processes would inherit that


def preload(wire):
    """While a generic worker waits, it imports what most functions import, until a frame arrives."""
    for name in PRELOADED:
        if wire.has_news():
            return
        __import__(name)


if __name__ == '__main__':  # not in a child process of the function, which may read this file again
    main()
