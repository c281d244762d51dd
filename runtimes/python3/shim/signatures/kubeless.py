"""`kubeless`: f(event, context), whose field names have dashes; Bottle's request is in event['extensions']."""

import os
import sys
import time

from . import finish_awaitable
from ..json_text import from_json
from ..loading import load as load_entry
from ..platform import supply
from ..web import posted
from ..web.wsgi import invoke_wsgi

METHODS = ['GET', 'POST', 'PATCH', 'DELETE']
NAMESPACES = {'job': 'cronjobtrigger.kubeless.io', 'event': 'taibai.objects'}


def load(meta):
    supply()
    module, _, name = meta['entry'].rpartition('.')
    memory = f'{meta.get("memory_bytes", 0) // (1024 * 1024)}Mi'
    given = {
        'MOD_NAME': module,
        'FUNC_HANDLER': name,
        'FUNC_TIMEOUT': str(-(-(meta.get('timeout_ms') or 180_000) // 1000)),
        'FUNC_RUNTIME': 'python%d.%d' % sys.version_info[:2],
        'FUNC_MEMORY_LIMIT': memory,
        'FUNC_PORT': '8080',
        'KUBELESS_INSTALL_VOLUME': meta['code'],
    }
    for key, value in given.items():
        os.environ.setdefault(key, value)
    return load_entry(meta['code'], meta['entry'])


def prepare(worker, function):
    import bottle

    app = bottle.Bottle()
    context = {
        'function-name': getattr(function, '__name__', os.environ['FUNC_HANDLER']),
        'timeout': float(os.environ['FUNC_TIMEOUT']),
        'runtime': os.environ['FUNC_RUNTIME'],
        'memory-limit': os.environ['FUNC_MEMORY_LIMIT'],
    }

    def handle(path=''):
        request = bottle.request
        answer = function(event_of(request), context)
        if hasattr(answer, '__await__'):
            answer = finish_awaitable(answer)
        if isinstance(answer, (list, tuple, int, float, bool)):
            raise TypeError(f'a function of Kubeless answers with text, bytes or a dict, this one with {answer!r}')
        return answer

    app.route('/', METHODS, handle)
    app.route('/<path:path>', METHODS, handle)
    return False, lambda call, meta, body: invoke_wsgi(app, call, *requested(meta, body))


def event_of(request):
    body = request.body.read()
    is_json = request.get_header('content-type') == 'application/json'
    return {
        'data': from_json(str(body, 'utf-8')) if is_json and body else body,
        'event-id': request.get_header('event-id'),
        'event-type': request.get_header('event-type'),
        'event-time': request.get_header('event-time'),
        'event-namespace': request.get_header('event-namespace'),
        'extensions': {'request': request},
    }


def requested(meta, body):
    """Adds the event headers of Kubeless's triggers. Also returns whether the result is a value, which callers without HTTP
    get."""
    http = meta.get('http')
    asked = http or posted(meta)
    namespace = NAMESPACES.get(meta.get('trigger')) if http is None else None
    if namespace is not None:
        is_json = meta.get('input') in ('json', 'none')
        kind = 'application/json' if is_json else 'application/x-www-form-urlencoded'
        headers = [
            *asked['headers'],
            ['event-id', meta.get('execution_id') or ''],
            ['event-time', time.strftime('%Y-%m-%d %H:%M:%S+00:00', time.gmtime())],
            ['event-type', 'object.created' if meta['trigger'] == 'event' else kind],
            ['event-namespace', namespace],
        ]
        asked = {**asked, 'headers': headers}
    return {**meta, 'http': asked}, body, http is None
