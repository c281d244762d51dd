"""Converts values to JSON text and back."""


def fast_json():
    """The C functions behind `json`: half the time of a call, and no import of `re` at the start."""
    from _json import encode_basestring, make_encoder, make_scanner

    class Options:
        strict = True
        object_hook = object_pairs_hook = None
        parse_float, parse_int = float, int
        parse_constant = {'NaN': float('nan'), 'Infinity': float('inf'), '-Infinity': float('-inf')}.__getitem__

    scan = make_scanner(Options)
    # Without `markers` all threads can share it, and a value that contains itself ends in a RecursionError.
    encode = make_encoder(None, not_json, encode_basestring, None, ':', ',', False, False, False)

    def to_json(value):
        return ''.join(encode(value, 0))

    def from_json(text):
        try:
            value, end = scan(text, 0)
            if end == len(text):
                return value
        except (StopIteration, ValueError, SystemError):  # SystemError: `json.decoder` is not loaded, so its error class cannot be raised
            pass
        import json  # surrounding white space, or an error: `json` accepts the former and describes the latter

        return json.loads(text)

    if from_json('{"a":[1,"b"]}') != {'a': [1, 'b']} or to_json({'a': (1, None)}) != '{"a":[1,null]}':
        raise TypeError('these functions are private, and have changed')
    return to_json, from_json


def plain_json():
    import json

    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':')).encode, json.loads


def not_json(value):
    raise TypeError(f'Object of type {type(value).__name__} is not JSON serializable')


try:
    to_json, from_json = fast_json()
except (ImportError, TypeError):
    to_json, from_json = plain_json()
