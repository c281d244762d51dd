"""A web function's result for a call that did not come over HTTP: the body is its value, and a 5xx status its failure."""

from . import Answer
from ..errors import Refusal
from ..json_text import from_json
from ..wire import RESULT


class ServerError(Refusal):
    pass


class ValueAnswer(Answer):
    def take(self, data, is_last=False):
        self.held.append(bytes(data))
        return b''

    def end(self):
        if self.status is None:
            raise RuntimeError('the application returned without starting a response')
        body = b''.join(self.held)
        if self.status >= 500:
            raise ServerError(body.decode('utf-8', 'replace') or f'The answer was {self.status}.')
        return RESULT, '"value":"%s",' % self.kind_of(body), body or b'null'

    def kind_of(self, body):
        types = [value.partition(';')[0].strip().lower() for name, value in self.headers if name.lower() == 'content-type']
        kind = types[0] if types else ''
        if not body:
            return 'json'
        if kind.endswith(('/json', '+json')):
            return 'json' if is_json(body) else 'text'
        return 'text' if kind.startswith('text/') or not kind else 'bytes'


def is_json(body):
    try:
        from_json(str(body, 'utf-8'))
    except ValueError:
        return False
    return True
