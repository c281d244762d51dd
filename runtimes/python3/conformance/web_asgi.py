"""The http function of the conformance list, as an ASGI application."""

import asyncio
from urllib.parse import parse_qs

TEXT = (b'content-type', b'text/plain; charset=utf-8')


async def main(scope, receive, send):
    assert scope['type'] == 'http'
    query = {name: int(values[0]) for name, values in parse_qs(scope['query_string'].decode()).items()}
    await ROUTES.get(scope['path'], nothing)(scope, receive, send, query)


async def hello(scope, receive, send, query):
    await answer(send, 200, [TEXT, (b'x-conformance', b'yes')], b'hello')


async def echo(scope, receive, send, query):
    body = (await receive())['body']
    await answer(send, 200, [(b'content-type', dict(scope['headers']).get(b'content-type', b''))], body)


async def stream(scope, receive, send, query):
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    for number in range(query['chunks']):
        if number > 0:
            await asyncio.sleep(query['ms'] / 1000)
        await send({'type': 'http.response.body', 'body': b'a' * query['bytes'], 'more_body': True})
    await send({'type': 'http.response.body'})


async def status(scope, receive, send, query):
    await answer(send, query['code'], [], b'')


async def throw(scope, receive, send, query):
    raise ValueError('thrown by a web function')


async def log(scope, receive, send, query):
    print('web log')
    await answer(send, 204, [], b'')


async def nothing(scope, receive, send, query):
    await answer(send, 404, [TEXT], b'nothing here')


async def answer(send, status, headers, body):
    await send({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body})


ROUTES = {'/hello': hello, '/echo': echo, '/stream': stream, '/status': status, '/throw': throw, '/print': log}
