"""The arguments of a function: the context, and the input as a value."""

import sys
import time

from .json_text import from_json


class Context:
    """The second argument of a handler. Created for each call; values that all calls share are class attributes."""

    __slots__ = ('execution_id', 'deadline_ms', 'trigger', 'traceparent', '_call', '_http', '_body', '_input')

    function_id = function_name = function_version = project_id = memory_limit_in_mb = None
    client_context = identity = None  # used by AWS Lambda
    language_version = '%d.%d.%d' % sys.version_info[:3]
    acts_with = None  # set by openstack.py
    api_access = None  # URL and token

    @classmethod
    def describe_function(cls, meta):
        cls.function_id = meta.get('function_id')
        cls.function_name = meta.get('function_name')
        cls.function_version = meta.get('function_version')
        cls.project_id = meta.get('project_id')
        cls.api_access = meta.get('api')
        cls.memory_limit_in_mb = meta.get('memory_bytes', 0) // (1024 * 1024)

    def __init__(self, call, meta, body=None):
        self.execution_id = meta.get('execution_id')
        self.deadline_ms = meta.get('deadline_ms')
        self.trigger = meta.get('trigger')
        self.traceparent = meta.get('traceparent')
        self._call = call
        self._http = meta.get('http')
        self._input = meta.get('input')
        self._body = body

    @property
    def remaining_ms(self):
        """Milliseconds until the deadline."""
        return max(0.0, self.deadline_ms - time.time() * 1000)

    def get_remaining_time_in_millis(self):
        return int(self.remaining_ms)

    @property
    def aws_request_id(self):
        return self.execution_id

    @property
    def logger(self):
        """A logger of the standard library; all its levels are shown, unless `logging` is set up otherwise."""
        import logging

        from .output import show_log_records

        show_log_records()
        logger = logging.getLogger(self.function_name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.DEBUG)
        return logger

    @property
    def openstack(self):
        """The OpenStack session of the function, see OpenStack; None: none."""
        return self.acts_with

    @property
    def api(self):
        """Access of this call to the server's API, see Api; None: not allowed."""
        return None if self.api_access is None else Api(self.api_access, self.execution_id)

    @property
    def request(self):
        """The request of a webhook, whose fields are the event; None: another caller."""
        return None if self._http is None or self._body is None else Request(self._http, self._body)

    @property
    def cloudevent(self):
        """The call's CloudEvent, whose data is the event: its attributes by name, and `data`; None: the call is not an event."""
        if self._http is None:
            return None
        from .cloud_event import attributes_in

        attributes = attributes_in(self._http)
        if attributes is None or self._input in (None, 'none'):
            return attributes
        return {**attributes, 'data': read_input({'input': self._input}, self._body)}

    @property
    def cancelled(self):
        """Fires when nobody waits for the response any more: is_set(), wait(seconds), or `await` in async code."""
        return self._call.abort_signal()


class Api:
    """The server's API. Printing does not show the token."""

    __slots__ = ('url', '_token')

    def __init__(self, told, execution_id):
        self.url = told['url']
        self._token = f'{told["token"]}.{execution_id}'  # identifies the execution

    @property
    def token(self):
        """For the header X-Auth-Token, or as a bearer token; valid while this worker exists."""
        return self._token

    def __repr__(self):
        return f'Api(url={self.url!r})'


class Request:
    """The HTTP request. Without a body of its own, it has the bytes of the input."""

    __slots__ = ('method', 'url', 'query', 'headers', 'body')

    def __init__(self, http, body):
        self.method = http['method']
        self.url = http['url']
        self.query = http['target'].partition('?')[2]
        self.headers = {}
        for name, value in http['headers']:
            separator = '; ' if name == 'cookie' else ', '
            self.headers[name] = self.headers[name] + separator + value if name in self.headers else value
        self.body = decoded(http['body']) if 'body' in http else bytes(body)


def decoded(body):
    import base64

    return None if body is None else base64.b64decode(body)


def read_input(meta, body):
    kind = meta.get('input')
    if kind == 'json':
        return from_json(str(body, 'utf-8'))
    if kind == 'text':
        return str(body, 'utf-8', 'replace')
    return body if kind == 'bytes' else None
