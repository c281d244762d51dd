"""Applications: a callable that is async or takes three arguments is ASGI, any other WSGI."""

from ..signatures import is_async, positional_parameters


def prepare_application(function, requested=lambda meta, body: (meta, body)):
    """The result of a signature's `prepare`. `requested(meta, body)`: the meta with the application's request, its body, and
    optionally whether the result is a value."""
    if is_async(function) or positional_parameters(function) == 3:
        from .asgi import invoke_asgi, start_up

        start_up(function)
        return True, lambda call, meta, body: invoke_asgi(function, call, *requested(meta, body))
    from .wsgi import invoke_wsgi

    return False, lambda call, meta, body: invoke_wsgi(function, call, *requested(meta, body))
