"""`fission`: main() inside a Flask request, returning anything that Flask accepts; with FastAPI in the package also
main(request)."""

import os

from . import is_async
from ..context import Context
from ..errors import Refusal
from ..loading import load as load_entry
from ..platform import supply
from ..web import posted
from ..web.application import prepare_application

METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE']


class SpecializeFailed(Refusal):
    """The package does not contain what the function needs."""


def load(meta):
    supply()
    function = load_entry(meta['code'], entry_of(meta['entry']))
    wanted = required_parameters(function)
    return fastapi_of(function) if is_async(function) or wanted == 1 else flask_of(function, wanted)


def entry_of(entry):
    """`pkg.module.func`; a single word is a function of `main`; an empty entry is `main.main`, or `main` of the only file."""
    if entry and '.' in entry:
        return entry
    sources = [name[:-3] for name in os.listdir('.') if name.endswith('.py')]
    module = sources[0] if len(sources) == 1 else 'main'
    return f'{module}.{entry or "main"}'


def required_parameters(function):
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    usual = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(1 for one in parameters if one.kind in usual and one.default is inspect.Parameter.empty)


def flask_of(function, wanted):
    if wanted:
        raise SpecializeFailed(f'a function of Fission takes no arguments, this one {wanted}: from flask import request')
    from flask import Flask

    app = Flask('fission')
    view = lambda path='': function()  # noqa: E731
    app.add_url_rule('/', 'function', view, methods=METHODS)
    app.add_url_rule('/<path:path>', 'function', view, methods=METHODS)
    return app


def fastapi_of(function):
    try:
        from fastapi import FastAPI, Request
    except ImportError:
        reason = 'a function that is async or takes a request is one of the FastAPI environment: put fastapi into the package'
        raise SpecializeFailed(reason) from None

    async def endpoint(request: Request):
        answer = function(request)
        return await answer if hasattr(answer, '__await__') else answer

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route('/{path:path}', endpoint, methods=METHODS)
    return app


def prepare(worker, function):
    return prepare_application(function, routed)


def routed(meta, body):
    """Adds the headers of Fission's router. Also returns whether the result is a value, which callers without HTTP get."""
    http = meta.get('http')
    asked = http or posted(meta)
    headers = [
        *asked['headers'],
        ['x-fission-function-uid', Context.function_id or ''],
        ['x-fission-function-name', Context.function_name or Context.function_id or ''],
        ['x-fission-function-namespace', 'default'],
        ['x-fission-function-resourceversion', str(Context.function_version)],
        ['x-fission-request-id', meta.get('execution_id') or ''],
    ]
    host = next((value for name, value in asked['headers'] if name == 'host'), None)
    if host is not None:
        headers.append(['x-forwarded-host', host])
    if 'url' in asked:
        headers.append(['x-fission-full-url', '/' + asked['url'].partition('://')[2].partition('/')[2]])
    return {**meta, 'http': {**asked, 'headers': headers}}, body, http is None
