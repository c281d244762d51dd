"""`event`: handler(event, context), sync or async."""

from . import invoker, positional_parameters
from ..context import Context, read_input


def prepare(worker, function):
    wanted = positional_parameters(function)

    def arguments(call, meta, body):
        return (read_input(meta, body), Context(call, meta, body))[:wanted], {}

    return invoker(worker, function, arguments)
