"""Settings that Python and the C library read once at the start come too late for a generic worker.

A function that sets such a variable runs in the same process after a restart (`exec`), which continues the connection."""

import os
import sys

from .errors import PythonDidNotStart
from .wire import BIND, encode_frame

READ_AT_START = frozenset(
    'GLIBC_TUNABLES LD_LIBRARY_PATH LD_PRELOAD MALLOC_ARENA_MAX MALLOC_TRIM_THRESHOLD_ '
    'PYTHONASYNCIODEBUG PYTHONCOERCECLOCALE PYTHONDEVMODE PYTHONHASHSEED PYTHONINTMAXSTRDIGITS PYTHONMALLOC PYTHONMALLOCSTATS '
    'PYTHONNODEBUGRANGES PYTHONOPTIMIZE PYTHONPERFSUPPORT PYTHONPROFILEIMPORTTIME PYTHONTRACEMALLOC PYTHONUTF8 PYTHONVERBOSE '
    'PYTHONWARNDEFAULTENCODING PYTHONWARNINGS PYTHON_CPU_COUNT PYTHON_GIL'.split()
)
"""Variables that are read at the start, or before any code of a function could run."""

HANDED = 'TAIBAI_CONNECTION'
"""Variable with the descriptors of the connection, and of data already read from it."""

FLAGS = ('-s', '-P', '-S')
"""Flags of a generic worker (-I -S), except that the environment counts now."""


def needs_own_process(env):
    return any(env[name] for name in READ_AT_START & set(env))


def start_anew(wire, meta, env):
    """Returns only when Python does not start with this environment: raises PythonDidNotStart with its message."""
    whole = {**os.environ, **env}
    refuse_wrong_values(whole, env)
    handed = os.memfd_create('handed')
    os.write(handed, b''.join((encode_frame(BIND, 0, meta), *(encode_frame(*frame) for frame in wire.frames), wire.reader.rest)))
    os.lseek(handed, 0, os.SEEK_SET)
    for descriptor in handed, wire.fileno:
        os.set_inheritable(descriptor, True)
    whole[HANDED] = f'{wire.fileno} {handed}'
    os.execve(sys.executable, [sys.executable, *FLAGS, sys.modules['__main__'].__file__], whole)


def refuse_wrong_values(whole, env):
    """Tried first: after the exec it would be too late to report a failure."""
    import subprocess

    asked = subprocess.run([sys.executable, *FLAGS, '-c', ''], env=whole, stdin=subprocess.DEVNULL, capture_output=True)
    if asked.returncode != 0:
        given = ' '.join(f'{name}={env[name]}' for name in sorted(READ_AT_START & set(env)))
        words = asked.stderr.decode('utf-8', 'replace').strip().splitlines() or [f'it ended with {asked.returncode}']
        raise PythonDidNotStart(f'Python does not start with {given}: {words[0]}')


def take_over(wire):
    """In the restarted process: the data already read from the connection. Removes the traces of the restart."""
    connection, handed = map(int, os.environ.pop(HANDED).split())
    os.set_inheritable(connection, False)
    with os.fdopen(handed, 'rb') as read:
        wire.frames.extend(wire.reader.push(read.read()))
