"""Output bindings other than HTTP: what a function puts there is handed to the server, as messages."""

import base64
import json

from azure.functions import meta as types

from ..errors import Refusal
from ..json_text import to_json
from .app import resolved

MOST_MESSAGES = 1000
# Limit of bytes of all messages of a call.
MOST_BYTES = 1024 * 1024
# Fields in which bindings name where their messages go.
PLACES = ('queueName', 'topicName', 'eventHubName', 'topicEndpointUri', 'path', 'tableName', 'containerName')


class TooManyMessages(Refusal):
    pass


def outputs_text(function, value, outputs):
    """A member of the meta of the frame that ends the call; empty when there are no outputs."""
    found = []
    for one in function.outputs:
        if one['type'] == 'http':
            continue
        messages = messages_in(one['type'], value if one['name'] == '$return' else outputs.get(one['name']))
        if messages:
            field = next((field for field in PLACES if one.get(field) is not None), None)
            found.append({'name': one['name'], 'type': one['type'], 'to': field and resolved(one[field]), 'messages': messages})
    if not found:
        return ''
    text = to_json(found)
    count, size = sum(len(one['messages']) for one in found), len(text.encode())
    if count > MOST_MESSAGES or size > MOST_BYTES:
        raise TooManyMessages(
            f'The outputs of {function.name} hold {count} messages with {size} bytes: '
            f'at most {MOST_MESSAGES} with {MOST_BYTES} bytes are taken of one call.'
        )
    return f'"outputs":{text},'


def merged(results):
    """The values and outputs of several invocations, as those of one."""
    names = {name for _, outputs in results for name in outputs}
    values = [value for value, _ in results if value is not None]
    return values or None, {name: [outputs[name] for _, outputs in results if name in outputs] for name in names}


def messages_in(kind, value):
    """Each element of a list is a message."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [text for one in value for text in messages_in(kind, one)]
    if hasattr(value, 'get_body'):
        value = value.get_body()
    return [text_of(kind, value)]


def text_of(kind, value):
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, (dict, int, float, bool)):
        return json.dumps(value)
    converter = types.get_binding_registry().get(kind)
    if converter is None:
        raise TypeError(f'{type(value).__name__} is no value for an output of the type {kind}')
    encoded = converter.encode(value, expected_type=None)
    return text_of(kind, encoded.value if encoded.type != 'json' or isinstance(encoded.value, str) else to_json(encoded.value))
