"""`qinling`: main(context=…, **input), as in OpenStack Qinling."""

from . import invoker
from ..context import Context, read_input


def prepare(worker, function):
    def arguments(call, meta, body):
        value = read_input(meta, body)
        context = {'os_session': Context.acts_with and Context.acts_with.session()}
        if isinstance(value, dict):
            return (), {**value, 'context': context}
        return () if value is None else (value,), {'context': context}

    return invoker(worker, function, arguments)
