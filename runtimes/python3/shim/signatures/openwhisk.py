"""`openwhisk`: main(params) → a dict or a list. A dict with `error` and an exception mean that the action failed; both are
also the response."""

import sys

from . import finish_awaitable, is_async
from ..context import read_input
from ..errors import Refusal, describe
from ..json_text import to_json
from ..openwhisk.actions import find_action
from ..openwhisk.environment import entering, surroundings
from ..platform import supply
from ..results import encode_text, encode_value, result_of
from ..wire import FAILED


class NotAnObject(Refusal):
    pass


class ApplicationError(Refusal):
    pass


class Action:
    """Data that all calls share."""

    defaults = None
    enter = None


def load(meta):
    Action.defaults = surroundings(meta)
    Action.enter = staticmethod(entering(meta))
    supply()
    return find_action(meta['code'], meta['entry'] or 'main')


def prepare(worker, function):
    def invoke(call, meta, body):
        Action.enter(meta)
        params = params_of(meta, body)
        try:
            value = function(params)
            if hasattr(value, '__await__'):
                value = finish_awaitable(value)
        except Exception as error:
            return raised(worker, error)
        return answer(worker, value)

    async def invoke_async(call, meta, body):
        Action.enter(meta)
        params = params_of(meta, body)
        try:
            value = await function(params)
        except Exception as error:
            return raised(worker, error)
        return answer(worker, value)

    return (True, invoke_async) if is_async(function) else (False, invoke)


def params_of(meta, body):
    given = {} if meta.get('input') == 'none' else read_input(meta, body)
    if not isinstance(given, (dict, list)):
        raise NotAnObject('an action takes a JSON object as its parameters, and this call has none')
    return {**Action.defaults, **given} if Action.defaults and isinstance(given, dict) else given


def answer(worker, value):
    if not isinstance(value, (dict, list)):
        raise NotAnObject('The action did not return a dictionary or array.')
    reason = value.get('error') if isinstance(value, dict) else None
    if reason is None:
        return result_of(worker, value)
    text = reason if isinstance(reason, str) else encode_value(reason)
    return failed(worker, describe(ApplicationError(text)), value)


def raised(worker, error):
    """The trace goes to the log."""
    said = describe(error)
    sys.stderr.write(f'{said["stack"] or said["message"]}\n')
    return failed(worker, said, {'error': said['message']})


def failed(worker, said, value):
    body = encode_text(encode_value(value))
    fields = to_json(said)[1:-1] + ','
    return FAILED, fields, body if len(body) <= worker.max_result_bytes else b''
