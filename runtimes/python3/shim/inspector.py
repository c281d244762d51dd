"""`taibai dev --inspect`: a debugger attaches to the worker and sees the edited files."""

import socket
import sys
import time

HOST = '127.0.0.1'
TRIES, AGAIN_SECONDS = 100, 0.05  # the previous worker may hold the port for a moment


def listen(port, packages):
    """`packages`: the folder that contains debugpy."""
    sys.path.append(packages)
    import debugpy

    for _ in range(TRIES):
        if is_free(port):
            debugpy.listen((HOST, port))
            return
        time.sleep(AGAIN_SECONDS)
    print(f'No debugger can attach: port {port} is taken.', file=sys.stderr)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
