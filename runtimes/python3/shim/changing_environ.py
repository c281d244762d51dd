"""Variables of the environment whose value is another one in each call.

The C library keeps every value that a variable ever had: it could be in use. Set with each call, a variable takes more memory and more
time from call to call. So these are set where Python reads them, and for the C library only before another program is started, which is
given its environment.
"""

import os
import sys

STARTS_PROGRAM = {'subprocess.Popen', 'os.system', 'os.exec', 'os.spawn', 'os.posix_spawn'}
CHANGING = {}
"""By name: what Python reads it from. `os.environ` may be another object by the time a program is started."""


def setter(name):
    """What sets the variable; its values are texts without a null character."""
    data = getattr(os.environ, '_data', None)
    key = os.fsencode(name)
    if type(data) is not dict or not all(type(one) is bytes for one in data):  # it is private, and has changed
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
