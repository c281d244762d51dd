"""The http function of the conformance list, as a WSGI application."""

import time
from urllib.parse import parse_qs

TEXT = ('content-type', 'text/plain; charset=utf-8')


def main(environ, start_response):
    query = {name: int(values[0]) for name, values in parse_qs(environ['QUERY_STRING']).items()}
    status, headers, body = ROUTES.get(environ['PATH_INFO'], nothing)(environ, query)
    start_response(f'{status} -', headers)
    return body


def hello(environ, query):
    return 200, [TEXT, ('x-conformance', 'yes')], [b'hello']


def echo(environ, query):
    return 200, [('content-type', environ['CONTENT_TYPE'])], [environ['wsgi.input'].read()]


def stream(environ, query):
    return 200, [], pieces(query['chunks'], query['bytes'], query['ms'])


def status(environ, query):
    return query['code'], [], []


def throw(environ, query):
    raise ValueError('thrown by a web function')


def log(environ, query):
    print('web log')
    return 204, [], []


def nothing(environ, query):
    return 404, [TEXT], [b'nothing here']


def pieces(chunks, size, ms):
    for number in range(chunks):
        if number > 0:
            time.sleep(ms / 1000)
        yield b'a' * size


ROUTES = {'/hello': hello, '/echo': echo, '/stream': stream, '/status': status, '/throw': throw, '/print': log}
