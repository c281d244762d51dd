"""Describes an error: its type, its message, and a stack without the shim's own frames."""

ERROR_CHARS = 64 * 1024
STACK_FRAMES = 100
SHIM_FOLDER = __file__.rpartition('/')[0] + '/'


class Refusal(Exception):
    """An error of the shim itself, whose trace would not help."""


class NotBound(Refusal):
    pass


class EntryNotFound(Refusal):
    def __init__(self, message, missing):
        super().__init__(message)
        self.missing = missing
        """`missing`: the `form` of the entry, the `module` or the `callable`."""


class UnknownSignature(Refusal):
    pass


class ResultNotSerializable(Refusal):
    pass


class ResultTooLarge(Refusal):
    pass


class StartupFailed(Refusal):
    pass


class PythonDidNotStart(Refusal):
    pass


class OpenStackUnavailable(Exception):
    """No token is available now."""


class EndpointNotFound(Exception):
    """OpenStack's catalogue does not contain the service."""


def describe(error, own=False):
    """Type, message and stack for FAILED and BIND_FAILED. `own`: with the shim's frames. Never raises."""
    try:
        message = str(error)[:ERROR_CHARS]
    except BaseException:
        message = '(an error whose text cannot be had)'
    try:
        stack = '' if isinstance(error, Refusal) else format_stack(error, own)[-ERROR_CHARS:]
    except BaseException:  # out of memory or stack, or an exception class that fails to print itself
        stack = ''
    return {'type': type(error).__name__, 'message': message, 'stack': stack}


def format_stack(error, own):
    from traceback import TracebackException

    trace = TracebackException(type(error), error, error.__traceback__, limit=-STACK_FRAMES)
    if not own:
        hide_shim(trace)
    return ''.join(trace.format()).rstrip()


def hide_shim(trace):
    """Removes the shim's own frames from a trace and from chained exceptions."""
    if trace is None:
        return
    trace.stack[:] = [frame for frame in trace.stack if not frame.filename.startswith(SHIM_FOLDER)]
    hide_shim(trace.__cause__)
    hide_shim(trace.__context__)
    for member in getattr(trace, 'exceptions', None) or ():
        hide_shim(member)
