"""Signatures, one file each: `prepare(worker, function)` returns whether calls are async, and a function that performs one.

That function is `invoke(call, meta, body)`; it returns the result of `result_of`. A signature with its own way of loading
code has `load(meta)`, which gets the content of BIND and returns the function. Only the file of the signature that BIND
names is loaded."""

import sys
from _thread import _local as ThreadLocal

from ..errors import UnknownSignature
from ..results import result_of


def load_signature(name):
    path = f'{__name__}.{name}'
    try:
        __import__(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise UnknownSignature(f'this runtime does not know the signature "{name}"; it knows {known_signatures()}') from None
    return sys.modules[path]


def known_signatures():
    from os import listdir

    names = {file.split('.')[0] for file in listdir(__path__[0])}
    return ', '.join(sorted(name for name in names if not name.startswith('_')))


def invoker(worker, function, arguments, answer=None):
    """The result of `prepare` for a function that is called with `arguments(call, meta, body)`, positional and by name;
    `answer(worker, meta, value)` converts its value, if given."""
    answer = answer or (lambda worker, meta, value: result_of(worker, value))

    def invoke(call, meta, body):
        args, kwargs = arguments(call, meta, body)
        value = function(*args, **kwargs)
        if hasattr(value, '__await__'):
            value = finish_awaitable(value)
        return answer(worker, meta, value)

    async def invoke_async(call, meta, body):
        args, kwargs = arguments(call, meta, body)
        return answer(worker, meta, await function(*args, **kwargs))

    return (True, invoke_async) if is_async(function) else (False, invoke)


KEPT_LOOP = ThreadLocal()


def finish_awaitable(awaitable):
    """For a sync function that returns an awaitable, such as a decorated async one."""
    if not hasattr(KEPT_LOOP, 'loop'):
        import asyncio

        KEPT_LOOP.loop = asyncio.new_event_loop()
    return KEPT_LOOP.loop.run_until_complete(awaitable)


def is_async(function):
    while hasattr(function, 'func') and hasattr(function, 'keywords'):  # functools.partial
        function = function.func
    code, _ = code_of(function)
    return bool(code and code.co_flags & 0x80)  # inspect.CO_COROUTINE


def positional_parameters(function):
    """Number of positional arguments; None when it is unlimited or unknown."""
    code, is_bound = code_of(function)
    if code is None or code.co_flags & 0x04:  # inspect.CO_VARARGS
        return None
    return code.co_argcount - is_bound


def code_of(function):
    """The code behind a function, a method, or a callable object; and whether it begins with `self`."""
    if hasattr(function, '__func__'):
        return getattr(function.__func__, '__code__', None), True
    if hasattr(function, '__code__'):
        return function.__code__, False
    return getattr(getattr(type(function), '__call__', None), '__code__', None), True
