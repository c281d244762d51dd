"""`http`: a WSGI or an ASGI application."""

from ..web.application import prepare_application


def prepare(worker, function):
    return prepare_application(function)
