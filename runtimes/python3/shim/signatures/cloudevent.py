"""`cloudevent`: handler(event, context), where the event is a CloudEvent."""

from . import invoker, positional_parameters
from ..cloud_event import answer_of, event_class, event_in, parts_of
from ..context import Context
from ..results import result_of


def prepare(worker, function):
    wanted = positional_parameters(function)
    make = event_class()

    def arguments(call, meta, body):
        attributes, data = event_in(meta, body, Context.function_id)
        return (make(attributes, data), Context(call, meta, body))[:wanted], {}

    return invoker(worker, function, arguments, answer)


def answer(worker, meta, value):
    """Callers over HTTP get an event in the binary mode, others one object."""
    if 'http' in meta:
        return answer_of(value) or result_of(worker, value)
    parts = parts_of(value)
    if parts is None:
        return result_of(worker, value)
    attributes, data = parts
    return result_of(worker, attributes if data is None else {**attributes, 'data': data})
