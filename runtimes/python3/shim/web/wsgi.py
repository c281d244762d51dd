"""WSGI (PEP 3333)."""

import io
import sys

from . import Request, answer_for, as_bytes, host_and_port
from ..calls import ClientGone
from ..context import Context


def invoke_wsgi(application, call, meta, body, answers_value=False):
    answer = answer_for(call, answers_value)

    def start_response(status, headers, exc_info=None):
        if exc_info and answer.is_streamed:
            raise exc_info[1].with_traceback(exc_info[2])
        answer.begin(int(status.split(None, 1)[0]), headers)
        return lambda data: call.stream_body(answer.take(data))

    parts = application(wsgi_environ(call, meta, body), start_response)
    try:
        if isinstance(parts, (list, tuple)):
            call.stream_body(answer.take(b''.join(parts), True))
        else:
            for part in parts:
                if part:
                    call.stream_body(answer.take(part))
    except ClientGone:
        pass
    finally:
        if hasattr(parts, 'close'):
            parts.close()
    return answer.end()


def wsgi_environ(call, meta, body):
    request = Request(meta)
    environ = {
        'REQUEST_METHOD': request.method,
        'SCRIPT_NAME': unquote(request.prefix).decode('latin-1'),
        'PATH_INFO': unquote(request.path).decode('latin-1'),
        'QUERY_STRING': request.query,
        'REQUEST_URI': request.prefix + request.path + ('?' + request.query if request.query else ''),
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '443' if request.scheme == 'https' else '80',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.version': (1, 0),
        'wsgi.url_scheme': request.scheme,
        'wsgi.input': io.BytesIO(body),
        'wsgi.input_terminated': True,
        'wsgi.errors': sys.stderr,
        'wsgi.multithread': not call.worker.output.is_exclusive,
        'wsgi.multiprocess': False,
        'wsgi.run_once': False,
        'taibai.context': Context(call, meta),
    }
    for name, value in request.headers:
        if '_' in name:  # could be mistaken for one with a dash, which proxies set
            continue
        key = 'HTTP_' + name.upper().replace('-', '_')
        if key in environ:
            value = environ[key] + ('; ' if key == 'HTTP_COOKIE' else ',') + value
        environ[key] = value
    environ.pop('HTTP_CONTENT_LENGTH', None)
    environ['CONTENT_LENGTH'] = str(len(body)) if body else ''
    environ['CONTENT_TYPE'] = environ.pop('HTTP_CONTENT_TYPE', '')
    if 'HTTP_HOST' in environ:
        name, port = host_and_port(environ['HTTP_HOST'])
        environ['SERVER_NAME'] = name
        environ['SERVER_PORT'] = str(port or environ['SERVER_PORT'])
    return environ


def unquote(path):
    if '%' not in path:
        return as_bytes(path)
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path)
