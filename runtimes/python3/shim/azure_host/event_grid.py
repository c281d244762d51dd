"""Event Grid's webhook of an app: the handshake, and deliveries in its own schema or as CloudEvents."""

import base64
import json
from urllib.parse import parse_qs, unquote

from ..json_text import to_json

WEBHOOK_PATH = '/runtime/webhooks/eventgrid'
VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent'


def is_event_grid(http):
    """Whether a request names the webhook itself, before any route of the app."""
    return http['target'].partition('?')[0].lower() == WEBHOOK_PATH


def delivery_in(functions, meta, body):
    """
    What a request wants of Event Grid's webhook: the function with its events, or `None` with what to answer: status, headers,
    body. None alone: it is another request. A webhook of this server may call the only function of Event Grid without naming it.
    """
    http, is_webhook = meta['http'], meta.get('trigger') == 'webhook'
    query, is_its_path = http['target'].partition('?')[2], is_event_grid(http)
    if not is_its_path and not is_webhook:
        return None
    if not is_webhook and http.get('key') is None:
        return None, (401,)
    function = receiver_of(functions, parse_qs(query).get('functionName', [None])[0], is_its_path)
    if function is None:
        return (None, (404,)) if is_its_path else None
    told = dict(http['headers'])
    if http['method'] == 'OPTIONS':
        return None, allowed(told)
    if http['method'] != 'POST':
        return None, (405,)
    try:
        return received(function, told, bytes(body))
    except (ValueError, KeyError, TypeError):
        return None, (400,)


def receiver_of(functions, name, is_its_path):
    every = [one for one in functions if one.trigger['type'].lower() == 'eventgridtrigger']
    if name is not None:
        return next((one for one in every if one.name.lower() == name.lower()), None)
    return every[0] if len(every) == 1 and not is_its_path else None


def allowed(told):
    """The handshake of CloudEvents' webhooks."""
    origin = told.get('webhook-request-origin')
    if origin is None:
        return (400,)
    rate = [] if told.get('webhook-request-rate') is None else [('webhook-allowed-rate', '*')]
    return 200, [('webhook-allowed-origin', origin), *rate]


def received(function, told, body):
    if 'ce-specversion' in told:
        return function, [binary_event(told, body)]
    if told.get('aeg-event-type', '').lower() == 'unsubscribe':
        return None, (202,)
    value = json.loads(body)
    events = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in events):
        return None, (400,)
    first = next((one for one in events if one.get('eventType') == VALIDATION), None)
    if first is None:
        return function, events
    text = to_json({'validationResponse': first['data']['validationCode']})
    return None, (200, [('content-type', 'application/json; charset=utf-8')], text.encode())


def binary_event(told, body):
    """A CloudEvent in headers, as one object."""
    event = {name[3:]: unquote(value) for name, value in told.items() if name.startswith('ce-')}
    kind = told.get('content-type')
    if kind is not None:
        event['datacontenttype'] = kind
    if not body:
        return event
    if kind is None or 'json' in kind:
        return {**event, 'data': json.loads(body)}
    if kind.startswith('text/'):
        return {**event, 'data': body.decode()}
    return {**event, 'data_base64': base64.b64encode(body).decode()}
