"""CloudEvents as arguments and results of functions. The server has already parsed the mode: the shim gets attributes and
data."""

import time

from .context import read_input
from .json_text import to_json
from .wire import RESULT

REQUIRED = ('specversion', 'id', 'source', 'type')
TYPES = {'job': 'io.taibai.job.fired'}


def attributes_in(http):
    """The attributes of a call's event; None: the call is not an event."""
    headers = http['headers'] if http else ()
    if not any(name == 'ce-specversion' for name, _ in headers):
        return None
    attributes = {}
    for name, value in headers:
        if name.startswith('ce-'):
            attributes[name[3:]] = value
        elif name == 'content-type' and not value.startswith('application/cloudevents'):
            attributes['datacontenttype'] = value
    return attributes


def event_in(meta, body, function_id):
    """Attributes and data. A call that is not an event gets attributes of ours."""
    value = read_input(meta, body)
    attributes = attributes_in(meta.get('http'))
    if attributes is not None:
        return attributes, value
    if is_event(value):
        return structured(value)
    attributes = {
        'specversion': '1.0',
        'id': meta.get('execution_id'),
        'source': f'/v1/functions/{function_id}',
        'type': TYPES.get(meta.get('trigger'), 'io.taibai.function.called'),
        'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
    }
    if value is not None:
        attributes['datacontenttype'] = type_of(value)
    return attributes, value


def is_event(value):
    return isinstance(value, dict) and all(isinstance(value.get(name), str) and value[name] for name in REQUIRED)


def structured(value):
    import base64

    attributes = {name: one for name, one in value.items() if name not in ('data', 'data_base64')}
    encoded = value.get('data_base64')
    return attributes, value.get('data') if encoded is None else base64.b64decode(encoded)


def type_of(value):
    if isinstance(value, (bytes, bytearray)):
        return 'application/octet-stream'
    return 'text/plain' if isinstance(value, str) else 'application/json'


class CloudEvent:
    """Like `cloudevents.http.CloudEvent` of PyPI, for packages that do not contain it."""

    def __init__(self, attributes, data=None):
        self._attributes = dict(attributes)
        self.data = data

    def __getitem__(self, name):
        return self._attributes[name]

    def __setitem__(self, name, value):
        self._attributes[name] = value

    def __delitem__(self, name):
        del self._attributes[name]

    def __iter__(self):
        return iter(self._attributes)

    def __len__(self):
        return len(self._attributes)

    def __contains__(self, name):
        return name in self._attributes

    def __eq__(self, other):
        return isinstance(other, CloudEvent) and (other._attributes, other.data) == (self._attributes, self.data)

    def __repr__(self):
        return str({'attributes': self._attributes, 'data': self.data})

    def get(self, name, default=None):
        return self._attributes.get(name, default)

    def get_attributes(self):
        return dict(self._attributes)

    def get_data(self):
        return self.data


def event_class():
    """The package's own class if it has one, because its functions work with that."""
    try:
        from cloudevents.http import CloudEvent as own
    except ImportError:
        return CloudEvent
    return own


def parts_of(value):
    """Attributes and data of a function's result; None: it is not an event."""
    if hasattr(value, 'get_attributes') and hasattr(value, 'data'):
        return dict(value.get_attributes()), value.data
    return structured(value) if is_event(value) else None


def answer_of(value):
    """The frame of a response in the binary mode; None: the value is not an event."""
    parts = parts_of(value)
    if parts is None:
        return None
    attributes, data = parts
    content_type = attributes.pop('datacontenttype', None)
    headers = [(f'ce-{name}', encoded(str(one))) for name, one in attributes.items() if one is not None]
    if data is None:
        body = b''
    else:
        headers.append(('content-type', content_type or type_of(data)))
        body = bytes_of(data, content_type or '')
    return RESULT, '"value":"bytes","http":%s,' % to_json({'status': 200, 'headers': headers}), body


def bytes_of(data, content_type):
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    is_json = content_type.partition(';')[0].strip().endswith(('/json', '+json'))
    return data.encode() if isinstance(data, str) and not is_json else to_json(data).encode()


def encoded(text):
    """Percent-encodes as the HTTP binding requires: non-printable and non-ASCII characters, `"` and `%`."""
    return ''.join(chr(byte) if 0x20 < byte < 0x7F and byte not in b'"%' else f'%{byte:02X}' for byte in text.encode())
