"""What a function is given: the context, and the input as a value."""

import sys
import time

from .json_text import from_json


class Context:
    """The second argument of a handler. Made for each call, so that what is the same for all belongs to the class."""

    __slots__ = ('execution_id', 'deadline_ms', 'trigger', '_call')

    function_id = function_name = function_version = project_id = memory_limit_in_mb = None
    client_context = identity = None  # AWS Lambda's
    language_version = '%d.%d.%d' % sys.version_info[:3]
    acts_with = None  # set by openstack.py

    @classmethod
    def describe_function(cls, meta):
        cls.function_id = meta.get('function_id')
        cls.function_name = meta.get('function_name')
        cls.function_version = meta.get('function_version')
        cls.project_id = meta.get('project_id')
        cls.memory_limit_in_mb = meta.get('memory_bytes', 0) // (1024 * 1024)

    def __init__(self, call, meta):
        self.execution_id = meta.get('execution_id')
        self.deadline_ms = meta.get('deadline_ms')
        self.trigger = meta.get('trigger')
        self._call = call

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
        """What the function acts with in OpenStack: see OpenStack; None: with nothing."""
        return self.acts_with

    @property
    def cancelled(self):
        """Fires when nobody waits for the answer any more: is_set(), wait(seconds), or `await` in async code."""
        return self._call.abort_signal()


def read_input(meta, body):
    kind = meta.get('input')
    if kind == 'json':
        return from_json(str(body, 'utf-8'))
    if kind == 'text':
        return str(body, 'utf-8', 'replace')
    return body if kind == 'bytes' else None
