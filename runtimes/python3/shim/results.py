"""A function's result as the frame that ends the call: its type, fields of its meta, its body."""

from .errors import ResultNotSerializable, ResultTooLarge
from .json_text import to_json
from .wire import RESULT


def result_of(worker, value):
    """The result of a call: frame type, fields of its meta, body."""
    if isinstance(value, str):
        kind, body = 'text', encode_text(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        kind, body = 'bytes', bytes(value)
    else:
        kind, body = 'json', encode_text(encode_value(value))
    if len(body) > worker.max_result_bytes:
        raise ResultTooLarge(f'the result has {len(body)} bytes, more than the {worker.max_result_bytes} allowed')
    return RESULT, '"value":"%s",' % kind, body


def encode_value(value):
    try:
        return to_json(value)
    except RecursionError:
        raise ResultNotSerializable('the result contains itself, or is nested too deeply for JSON') from None
    except Exception as error:
        raise ResultNotSerializable(f'the result cannot be said in JSON: {error}') from None


def encode_text(text):
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ResultNotSerializable(f'the result cannot be said in UTF-8: {error.reason}') from None
