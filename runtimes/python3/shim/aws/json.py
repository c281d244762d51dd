"""Values as JSON in the format of AWS Lambda's Python client."""

from ..errors import Refusal
from ..json_text import to_json


def json_of(value):
    try:
        return to_json(value)
    except RecursionError:
        raise named('Runtime.MarshalError', 'Unable to marshal response: it contains itself, or is nested too deeply') from None
    except Exception:
        return slow_json(value)


def slow_json(value):
    """Extensions of JSON: `Decimal` as a number, NaN."""
    import json

    def default(other):
        if type(other).__name__ == 'Decimal':
            return int(other) if other == other.to_integral_value() else float(other)
        raise TypeError(f'Object of type {type(other).__name__} is not JSON serializable')

    try:
        return json.dumps(value, default=default, ensure_ascii=False, separators=(',', ':'))
    except Exception as error:
        raise named('Runtime.MarshalError', f'Unable to marshal response: {error}') from None


def named(name, message):
    """An error of that type. Its trace would add nothing to its text."""
    return type(name, (Refusal,), {})(message)
