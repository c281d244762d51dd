"""`azure`: an app of Azure Functions, whose functions are called by route, by schedule, or by name."""

import os
import sys

from ..context import read_input
from ..errors import Refusal
from ..json_text import to_json
from ..platform import supply
from ..results import result_of
from ..wire import RESULT


class NoSuchFunction(Refusal):
    pass


class ServerError(Refusal):
    pass


def load(meta):
    packages = os.path.join(meta['code'], '.python_packages', 'lib', 'site-packages')
    if os.path.isdir(packages):
        sys.path.insert(1, packages)
    supply()
    from ..azure_host.app import load_app, read_json

    surroundings(meta, read_json(os.path.join(meta['code'], 'local.settings.json'), 'local.settings.json') or {})
    return load_app(meta['code'])


def surroundings(meta, settings):
    """Settings of the app, then of local.settings.json, then of the platform."""
    name = meta.get('function_name') or meta.get('function_id')
    given = {
        **({} if settings.get('IsEncrypted') else settings.get('Values', {})),
        'FUNCTIONS_WORKER_RUNTIME': 'python',
        'FUNCTIONS_EXTENSION_VERSION': '~4',
        'AZURE_FUNCTIONS_ENVIRONMENT': 'Production',
        'WEBSITE_SITE_NAME': name,
        'WEBSITE_HOSTNAME': 'localhost',
        'WEBSITE_INSTANCE_ID': meta.get('function_id') or '',
        'AzureWebJobsScriptRoot': meta['code'],
    }
    for key, value in given.items():
        os.environ.setdefault(key, str(value))


def described(functions):
    """The data for the server when the app is bound."""
    return {'functions': [one.listed() for one in functions]}


def prepare(worker, functions):
    def invoke(call, meta, body):
        if 'http' in meta:
            return by_route(functions, meta, body)
        return by_name(worker, functions, meta, body)

    return False, invoke


def answer(status, headers=(), body=b'', outputs=''):
    return RESULT, outputs + '"value":"bytes","http":%s,' % to_json({'status': status, 'headers': headers}), body


def by_route(functions, meta, body):
    from ..azure_host.event_grid import delivery_in, is_event_grid
    from ..azure_host.invocation import answer_of, http_datum, invoke
    from ..azure_host.outputs import outputs_text

    http = meta['http']
    found = routed(functions, http) or (only_http(functions) if meta.get('trigger') == 'webhook' else None)
    delivery = delivery_in(functions, meta, body) if found is None or is_event_grid(http) else None
    if delivery is not None:
        return delivered(meta, *delivery)
    if found is None:
        return answer(404)
    function, params = found
    if not may_call(function, meta):
        return answer(401)
    try:
        value, outputs = invoke(function, meta, http_datum(http, params, body), {})
        return answer(*answer_of(function, value, outputs), outputs_text(function, value, outputs))
    except Exception as error:
        return failed(error)


def delivered(meta, function, events):
    """Each event is an invocation. Event Grid delivers them again when one fails."""
    from azure.functions import meta as types

    from ..azure_host.invocation import invoke
    from ..azure_host.outputs import merged, outputs_text

    if function is None:
        return answer(*events)
    try:
        results = [invoke(function, meta, types.Datum(to_json(event), 'json'), {}) for event in events]
        return answer(202, outputs=outputs_text(function, *merged(results)))
    except Exception as error:
        return failed(error)


def failed(error):
    from ..errors import describe

    print(describe(error)['stack'] or error, file=sys.stderr)
    return answer(500)


def routed(functions, http):
    """The most literal matching route; a route with another method does not match."""
    path = http['target'].partition('?')[0]
    matching = []
    for one in functions:
        params = one.route.match(path) if one.route and (not one.methods or http['method'] in one.methods) else None
        if params is not None:
            matching.append((one.route.weight, len(matching), one, params))
    return min(matching)[2:] if matching else None


def only_http(functions):
    http = [one for one in functions if one.route]
    return (http[0], {}) if len(http) == 1 else None


def may_call(function, meta):
    """The server checks the request's key; knowing its URL is enough to call a webhook."""
    key = meta['http'].get('key')
    if function.level == 'anonymous' or meta.get('trigger') == 'webhook' or key == 'admin':
        return True
    return function.level == 'function' and key == 'function'


def by_name(worker, functions, meta, body):
    """`{"target": "nightly", "input": …}`; an app with a single such function needs no target."""
    from ..azure_host.invocation import answer_of, http_datum, input_datum, invoke
    from ..azure_host.outputs import outputs_text

    value, kind = read_input(meta, body), meta.get('input')
    is_targeted = isinstance(value, dict) and isinstance(value.get('target'), str) and not value.keys() - {'target', 'input'}
    function = next((one for one in functions if one.name == value['target']), None) if is_targeted else only_of(functions) or for_event(functions, value)
    if function is None:
        names = ', '.join(one.name for one in functions)
        said = f'The app has no function "{value["target"]}"' if is_targeted else 'The call names no function of the app'
        raise NoSuchFunction(f'{said}: send {{"target": "name", "input": …}} with one of {names}.')
    if is_targeted:
        value = value.get('input')
        kind = 'none' if value is None else 'text' if isinstance(value, str) else 'json'
        body = b'' if value is None else value.encode() if isinstance(value, str) else to_json(value).encode()
    if not function.is_http:
        result, outputs = invoke(function, meta, *input_datum(function, kind, value, body, meta))
        said = outputs_text(function, result, outputs)
        return with_outputs(said, result_of(worker, result))
    types = {'json': 'application/json', 'text': 'text/plain'}
    posted = {'method': 'POST', 'target': '/', 'headers': [['content-type', types[kind]]] if kind in types else []}
    result, outputs = invoke(function, meta, http_datum(posted, {}, body), {})
    status, headers, content = answer_of(function, result, outputs)
    said = outputs_text(function, result, outputs)
    if status >= 500:
        raise ServerError(content.decode('utf-8', 'replace') or f'The answer was {status}.')
    kind = dict(headers).get('content-type', '')
    if not content:
        return with_outputs(said, result_of(worker, None))
    return RESULT, said + '"value":"%s",' % ('json' if 'json' in kind else 'text' if kind.startswith('text/') else 'bytes'), content


def for_event(functions, value):
    """The only function for events of Event Grid, for what is one."""
    every = [one for one in functions if one.trigger['type'].lower() == 'eventgridtrigger']
    return every[0] if len(every) == 1 and isinstance(value, dict) and isinstance(value.get('eventType'), str) else None


def with_outputs(said, result):
    kind, meta, body = result
    return kind, said + meta, body


def only_of(functions):
    others = [one for one in functions if not one.is_http] or functions
    return others[0] if len(others) == 1 else None

