"""Signatures, a file each: `prepare(worker, function)` answers whether calls are async, and how one is made.

What a call is made by is `invoke(call, meta, body)`; it returns what `result_of` returns. A signature whose code is found in a way of
its own has `load(meta)`, which is given what BIND says and answers with the function. Only the file of the signature that BIND names is
loaded.
"""

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
    """What `prepare` answers for a function that is called with `arguments(call, meta, body)`, by place and by name; its value becomes
    `answer(worker, meta, value)`, or what it is itself."""
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
    """For a sync function that returns something to await, such as a decorated async one."""
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
    """How many arguments it takes by position; None when that is unlimited or cannot be told."""
    code, is_bound = code_of(function)
    if code is None or code.co_flags & 0x04:  # inspect.CO_VARARGS
        return None
    return code.co_argcount - is_bound


def code_of(function):
    """The code behind a function, a method, or an object that can be called; and whether it begins with `self`."""
    if hasattr(function, '__func__'):
        return getattr(function.__func__, '__code__', None), True
    if hasattr(function, '__code__'):
        return function.__code__, False
    return getattr(getattr(type(function), '__call__', None), '__code__', None), True
