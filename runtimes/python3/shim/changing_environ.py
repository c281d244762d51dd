"""Environment variables whose value changes with each call.

The C library keeps every former value, because it might be in use, so setting a variable for each call would take more and
more memory and time. Therefore these variables are set where Python reads them, and in the C library only before another
program is started, which gets its environment from there."""

import os
import sys

STARTS_PROGRAM = {'subprocess.Popen', 'os.system', 'os.exec', 'os.spawn', 'os.posix_spawn'}
CHANGING = {}
"""Mapping by name that Python reads. `os.environ` may be another object by the time a program is started."""


def setter(name):
    """Returns a function that sets the variable; values are texts without a null character."""
    data = getattr(os.environ, '_data', None)
    key = os.fsencode(name)
    if type(data) is not dict or not all(type(one) is bytes for one in data):  # the private layout has changed
        return lambda value: os.environ.__setitem__(name, value)
    if not CHANGING:
        sys.addaudithook(before_program)
    CHANGING[key] = data

    def set_value(value):
        data[key] = value.encode()

    return set_value


def before_program(event, _arguments):
    if event in STARTS_PROGRAM:
        for key, data in CHANGING.items():
            value = data.get(key)
            if value is not None:
                os.putenv(key, value)
