"""`http`: a WSGI or an ASGI application."""

from . import is_async, positional_parameters


def prepare(worker, function):
    if is_async(function) or positional_parameters(function) == 3:
        from ..web.asgi import invoke_asgi, start_up

        start_up(function)
        return True, lambda call, meta, body: invoke_asgi(function, call, meta, body)
    from ..web.wsgi import invoke_wsgi

    return False, lambda call, meta, body: invoke_wsgi(function, call, meta, body)
