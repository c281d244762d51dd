"""One call of an app's function: its arguments, and the handling of its result."""

import inspect
import json
import threading
import time

import azure.functions as func
from azure.functions import meta as types

from ..json_text import to_json
from ..signatures import finish_awaitable

STORAGE = threading.local()


class Trace:
    def __init__(self, parent):
        self.trace_parent, self.trace_state, self.attributes = parent or '', '', {}
        self.Traceparent, self.Tracestate, self.Attributes = self.trace_parent, '', {}


class Context(func.Context):
    def __init__(self, function, invocation_id, parent):
        self._function, self._invocation_id, self._trace = function, invocation_id, Trace(parent)

    invocation_id = property(lambda self: self._invocation_id)
    thread_local_storage = property(lambda self: STORAGE)
    function_name = property(lambda self: self._function.name)
    function_directory = property(lambda self: self._function.directory)
    trace_context = property(lambda self: self._trace)
    retry_context = property(lambda self: None)


class Out(func.Out):
    _value = None

    def set(self, value):
        self._value = value

    def get(self):
        return self._value


def invoke(function, meta, datum, metadata):
    """The returned value, and its outputs by name."""
    STORAGE.invocation_id = meta.get('execution_id')
    trigger = function.trigger
    outputs = {one['name']: Out() for one in function.outputs if one['name'] != '$return'}
    arguments = {trigger['name']: decoded(trigger['type'], datum, metadata)}
    parameters = inspect.signature(function.call).parameters
    arguments.update({name: out for name, out in outputs.items() if name in parameters})
    if 'context' in parameters and 'context' not in arguments:
        arguments['context'] = Context(function, meta.get('execution_id'), meta.get('traceparent'))
    value = function.call(**arguments)
    if hasattr(value, '__await__'):
        value = finish_awaitable(value)
    return value, {name: out.get() for name, out in outputs.items() if out.get() is not None}


def decoded(kind, datum, metadata):
    converter = types.get_binding_registry().get(kind)
    return datum.python_value if converter is None else converter.decode(datum, trigger_metadata=metadata)


def text(value):
    return types.Datum(value, 'string')


def http_datum(http, params, body):
    from urllib.parse import parse_qsl

    headers = {}
    for name, value in http['headers']:
        headers[name] = f'{headers[name]}, {value}' if name in headers else value
    target = http['target']
    url = http.get('url') or f'http://{headers.get("host", "localhost")}{http.get("prefix", "")}{target}'
    query = dict(parse_qsl(target.partition('?')[2], keep_blank_values=True))
    value = {
        'method': text(http['method']),
        'url': text(url),
        'headers': {name: text(one) for name, one in headers.items()},
        'query': {name: text(one) for name, one in query.items()},
        'params': {name: text(one) for name, one in params.items()},
        'body': types.Datum(bytes(body), 'bytes'),
    }
    return types.Datum(value, 'http')


def input_datum(function, kind, value, body, meta):
    """The trigger data of a function that is called by name: `body` are the bytes of `value`."""
    trigger = function.trigger['type'].lower()
    now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    if trigger == 'timertrigger':
        if kind == 'json' and isinstance(value, dict) and 'ScheduleStatus' in value:
            return types.Datum(to_json(value), 'json'), {}
        status = {'Last': now, 'Next': now, 'LastUpdated': now}
        timer = {'Schedule': {'AdjustForDST': True}, 'ScheduleStatus': status, 'IsPastDue': False}
        return types.Datum(json.dumps(timer), 'json'), {}
    if trigger == 'queuetrigger':
        execution = meta.get('execution_id')
        told = {'Id': execution, 'PopReceipt': execution, 'InsertionTime': now, 'ExpirationTime': now, 'NextVisibleTime': now}
        metadata = {name: text(one) for name, one in told.items()}
        metadata['DequeueCount'] = types.Datum(str(meta.get('attempt', 1)), 'json')
        return (types.Datum(bytes(body), 'bytes') if kind == 'bytes' else text(str(body, 'utf-8'))), metadata
    if trigger == 'blobtrigger' or kind == 'bytes':
        return types.Datum(bytes(body), 'bytes'), {}
    return (types.Datum(to_json(value), 'json') if kind == 'json' else text(str(body, 'utf-8'))), {}


def answer_of(function, value, outputs):
    """Status, headers and body of the HTTP response."""
    name = next((one['name'] for one in function.outputs if one['type'] == 'http'), '$return')
    given = outputs.get(name, value)
    if given is None:
        return 204, [], b''
    if isinstance(given, str):
        return 200, [('content-type', 'text/plain; charset=utf-8')], given.encode()
    if not isinstance(given, func.HttpResponse):
        kind = type(given).__name__
        raise TypeError(f'the function {function.name} answers with {kind}: HttpResponse and str are what HTTP functions return')
    encoded = types.get_binding_registry().get('http').encode(given, expected_type=None).value
    headers = [(key.lower(), one.value) for key, one in encoded['headers'].items()]
    for cookie in encoded.get('cookies') or ():
        headers += [('set-cookie', morsel.OutputString()) for morsel in cookie.values()]
    return int(encoded['status_code'].value), headers, encoded['body'].value
