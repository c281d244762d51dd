"""ASGI 3."""

import sys
from urllib.parse import unquote

from . import Request, answer_for, as_bytes, as_text, host_and_port
from ..context import Context
from ..errors import StartupFailed, describe
from ..serving.loop import event_loop


async def invoke_asgi(application, call, meta, body, answers_value=False):
    answer = answer_for(call, answers_value)
    request = AsgiRequest(call, answer, body)
    try:
        await application(asgi_scope(call, meta), request.receive, request.send)
    except Exception as error:
        if not request.is_complete and not (call.is_cancelled and answer.is_streamed):
            raise
        if request.is_complete:  # frameworks raise again after they have sent an error page
            print(describe(error)['stack'], file=sys.stderr)
    return answer.end()


def start_up(application):
    event_loop().run_until_complete(Lifespan.start(application))


class AsgiRequest:
    def __init__(self, call, answer, body):
        self.call = call
        self.answer = answer
        self.body = body
        self.is_complete = False
        """Whether the application has sent the last piece of its response."""
        self.start = None

    async def receive(self):
        if self.body is not None:
            body, self.body = self.body, None
            return {'type': 'http.request', 'body': body, 'more_body': False}
        if not self.is_complete:
            await self.call.abort_signal()
        return {'type': 'http.disconnect'}

    async def send(self, message):
        if message['type'] == 'http.response.start':
            headers = [(as_text(name), as_text(value)) for name, value in message.get('headers', ())]
            self.answer.begin(message['status'], headers)
        elif message['type'] == 'http.response.body':
            is_last = not message.get('more_body', False)
            await self.call.stream_body_async(self.answer.take(message.get('body', b''), is_last))
            if is_last:
                self.finish()

    def finish(self):
        self.is_complete = True
        if self.call.signal is not None:  # applications wait for the disconnect after their response
            self.call.signal._fire()


def asgi_scope(call, meta):
    request = Request(meta)
    whole_path = request.prefix + request.path  # `path` includes `root_path`, as the specification requires
    headers = [(as_bytes(name.lower()), as_bytes(value)) for name, value in request.headers]
    host, port = host_and_port(dict(headers).get(b'host', b'localhost').decode('latin-1'))
    return {
        'type': 'http',
        'asgi': {'version': '3.0', 'spec_version': '2.3'},
        'http_version': '1.1',
        'method': request.method,
        'scheme': request.scheme,
        'path': unquote(whole_path),
        'raw_path': as_bytes(whole_path),
        'query_string': as_bytes(request.query),
        'root_path': unquote(request.prefix),
        'headers': headers,
        'client': None,
        'server': (host, port or (443 if request.scheme == 'https' else 80)),
        'state': dict(Lifespan.state),
        'taibai.context': Context(call, meta),
    }


class Lifespan:
    """ASGI's start-up event, in which applications open what they need. The end of a worker is not announced."""

    state = {}
    task = None

    @classmethod
    async def start(cls, application):
        import asyncio

        loop = asyncio.get_running_loop()
        started, never = loop.create_future(), loop.create_future()
        events = iter(({'type': 'lifespan.startup'},))

        async def receive():
            return next(events, None) or await never

        async def send(message):
            if message['type'] == 'lifespan.startup.failed' and not started.done():
                report = message.get('message', '').rstrip()  # frameworks put a whole trace here
                print(report, file=sys.stderr)
                started.set_exception(StartupFailed(report.rpartition('\n')[2]))
            elif message['type'] == 'lifespan.startup.complete' and not started.done():
                started.set_result(None)

        async def live():
            try:
                asgi = {'version': '3.0', 'spec_version': '2.0'}
                await application({'type': 'lifespan', 'asgi': asgi, 'state': cls.state}, receive, send)
            except Exception:
                pass  # an application without lifespan support raises, and is served anyway
            if not started.done():
                started.set_result(None)

        cls.task = loop.create_task(live())
        await started
