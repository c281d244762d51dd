"""HTTP: the common part of WSGI and ASGI. A response is held while it may still fit in one frame, and streamed otherwise."""

from ..json_text import to_json
from ..wire import END, HEAD, RESULT, encode_frame

WHOLE_ANSWER_BYTES = 1024 * 1024  # a response that is complete at once is not streamed up to this length …
HELD_ANSWER_BYTES = 64 * 1024  # … and up to this one when it comes in pieces with a Content-Length

CONTENT_TYPES = {'json': 'application/json', 'text': 'text/plain; charset=utf-8', 'bytes': 'application/octet-stream'}


class Answer:
    """The response of an http function: held while it may still fit in one frame, streamed otherwise."""

    def __init__(self, call):
        self.call = call
        self.status = None
        self.headers = []
        self.held = []
        self.size = 0
        self.expected = 0
        self.is_streamed = False

    def begin(self, status, headers):
        self.status = status
        self.headers = headers
        for name, value in headers:
            if name.lower() == 'content-length' and value.isdigit() and int(value) <= HELD_ANSWER_BYTES:
                self.expected = int(value)

    def take(self, data, is_last=False):
        """Returns what must be streamed now."""
        if self.status is None:
            raise RuntimeError('the application sent a body before it started its response')
        if self.is_streamed:
            return data
        self.held.append(bytes(data))
        self.size += len(data)
        if self.size <= (WHOLE_ANSWER_BYTES if is_last else self.expected):
            return b''
        self.is_streamed = True
        self.call.wire.send(encode_frame(HEAD, self.call.number, self.head().encode('utf-8', 'backslashreplace')))
        self.call.worker.want_news()
        return b''.join(self.held)

    def end(self):
        if self.is_streamed:
            return END, '', b''
        if self.status is None:
            raise RuntimeError('the application returned without starting a response')
        return RESULT, '"value":"bytes","http":%s,' % self.head(), b''.join(self.held)

    def head(self):
        return to_json({'status': self.status, 'headers': self.headers})


def answer_for(call, answers_value):
    """`answers_value`: the caller does not use HTTP and gets the body alone."""
    if not answers_value:
        return Answer(call)
    from .value import ValueAnswer

    return ValueAnswer(call)


class Request:
    """The request; for a call that did not come over HTTP, a POST with the input."""

    def __init__(self, meta):
        http = meta.get('http') or posted(meta)
        self.method = http['method']
        self.headers = http['headers']
        self.prefix = http.get('prefix', '')
        """Path of the application in the caller's URL: empty, or `/fn/name`."""
        self.path, _, self.query = http['target'].partition('?')
        forwarded = next((value for name, value in self.headers if name.lower() == 'x-forwarded-proto'), 'http')
        self.scheme = http['url'].partition(':')[0] if 'url' in http else forwarded


def posted(meta):
    kind = CONTENT_TYPES.get(meta.get('input'))
    return {'method': 'POST', 'target': '/', 'headers': [['content-type', kind]] if kind else []}


def host_and_port(host):
    """Host and port of a Host header; the port may be None."""
    name, _, port = host.rpartition(':')
    return (name, int(port)) if name and port.isdigit() else (host, None)


def as_bytes(text):
    return text.encode('latin-1', 'replace')


def as_text(data):
    return data if isinstance(data, str) else bytes(data).decode('latin-1')
