"""`lambda`: handler(event, context) of AWS Lambda. A call over HTTP becomes the event of a function URL, and its result an
HTTP response."""

import sys

from . import invoker, positional_parameters
from ..aws.context import LambdaContext, surroundings
from ..aws.function_url import event_of, http_answer
from ..aws.json import json_of, named
from ..context import read_input
from ..errors import EntryNotFound, ResultTooLarge
from ..loading import load as load_entry
from ..results import encode_text
from ..wire import RESULT


def load(meta):
    """Uses AWS Lambda's names for errors of loading."""
    surroundings(meta)
    entry = meta['entry']
    module = entry.rpartition('.')[0].replace('/', '.')
    if module in sys.builtin_module_names:
        raise named('Runtime.BuiltInModuleConflict', f'Cannot use built-in module {module} as a handler module')
    try:
        return load_entry(meta['code'], entry)
    except EntryNotFound as error:
        raise named(MISSING[error.missing], str(error)) from None
    except ImportError as error:
        raise named('Runtime.ImportModuleError', f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        raise named('Runtime.UserCodeSyntaxError', f"Syntax error in module '{module}': {error}") from error


MISSING = {'form': 'Runtime.MalformedHandlerName', 'module': 'Runtime.ImportModuleError', 'callable': 'Runtime.HandlerNotFound'}


def prepare(worker, function):
    wanted = positional_parameters(function)

    def arguments(call, meta, body):
        event = event_of(meta, body) if 'http' in meta else input_of(meta, body)
        return (event, LambdaContext(call, meta))[:wanted], {}

    return invoker(worker, function, arguments, answer)


def input_of(meta, body):
    """No input is an empty object; bytes become base64 in JSON."""
    kind = meta.get('input')
    if kind == 'none':
        return {}
    if kind == 'bytes':
        import base64

        return base64.b64encode(body).decode()
    return read_input(meta, body)


def answer(worker, meta, value):
    if 'http' in meta:
        fields, body = http_answer(value)
    elif isinstance(value, (bytes, bytearray)):
        fields, body = '"value":"bytes",', bytes(value)
    else:
        fields, body = '"value":"json",', encode_text(json_of(value))
    if len(body) > worker.max_result_bytes:
        raise ResultTooLarge(f'the result has {len(body)} bytes, more than the {worker.max_result_bytes} allowed')
    return RESULT, fields, body
