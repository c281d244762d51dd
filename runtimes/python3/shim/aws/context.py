"""The environment and the context of an AWS Lambda function."""

import os
import sys
import time

from ..changing_environ import setter

ACCOUNT = '000000000000'


def surroundings(meta):
    """Sets the variables that the function does not set itself, and the context values that all calls share."""
    env = meta.get('env') or {}
    name = meta.get('function_name') or meta.get('function_id')
    number = meta.get('function_version') or 0
    version = str(number) if number > 0 else '$LATEST'
    region = env.get('AWS_REGION', 'us-east-1')
    memory = str(meta.get('memory_bytes', 0) // (1024 * 1024))
    group = f'/aws/lambda/{name}'
    stream = f'{time.strftime("%Y/%m/%d", time.gmtime())}/[{version}]{str(meta.get("function_id")).replace("-", "")}'
    variables = {
        '_HANDLER': meta['entry'],
        'LAMBDA_TASK_ROOT': meta['code'],
        'LAMBDA_RUNTIME_DIR': os.path.dirname(os.path.dirname(__file__)),
        'AWS_LAMBDA_FUNCTION_NAME': name,
        'AWS_LAMBDA_FUNCTION_VERSION': version,
        'AWS_LAMBDA_FUNCTION_MEMORY_SIZE': memory,
        'AWS_LAMBDA_LOG_GROUP_NAME': group,
        'AWS_LAMBDA_LOG_STREAM_NAME': stream,
        'AWS_LAMBDA_INITIALIZATION_TYPE': 'on-demand',
        'AWS_EXECUTION_ENV': 'AWS_Lambda_python%d.%d' % sys.version_info[:2],
        'AWS_REGION': region,
        'AWS_DEFAULT_REGION': region,
        'TZ': ':UTC',
        'LANG': os.environ.get('LANG', 'C.UTF-8'),
    }
    os.environ.update({key: value for key, value in variables.items() if key not in env})
    time.tzset()
    if 'LAMBDA_HTTP_EVENTS' in env:
        from .gateway import gateway_of

        LambdaContext.gateway = staticmethod(gateway_of(env['LAMBDA_HTTP_EVENTS']))
    LambdaContext.set_trace = staticmethod(setter('_X_AMZN_TRACE_ID'))
    LambdaContext.function_name = name
    LambdaContext.function_version = version
    LambdaContext.memory_limit_in_mb = memory
    LambdaContext.log_group_name = group
    LambdaContext.log_stream_name = stream
    suffix = f':{number}' if number > 0 else ''
    LambdaContext.invoked_function_arn = f'arn:aws:lambda:{region}:{ACCOUNT}:function:{name}{suffix}'


class CognitoIdentity:
    __slots__ = ('cognito_identity_id', 'cognito_identity_pool_id')

    def __init__(self):
        self.cognito_identity_id = self.cognito_identity_pool_id = None


class LambdaContext:
    """The second argument of a handler; values that all calls share are class attributes."""

    function_name = function_version = memory_limit_in_mb = log_group_name = log_stream_name = invoked_function_arn = None
    # Makes of a function URL's event that of an API; None: it stays.
    gateway = None
    client_context = tenant_id = set_trace = None
    identity = CognitoIdentity()

    def __init__(self, call, meta):
        self.aws_request_id = request_id = meta['execution_id']
        self._deadline_ms = meta['deadline_ms']
        client = meta.get('client')
        if client is not None:
            self.invoked_function_arn = client.get('arn', self.invoked_function_arn)
            if client.get('context') is not None:
                self.client_context = client_context(client['context'])
        self.set_trace(trace_of(request_id))

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))

    def log(self, text):
        sys.stdout.write(str(text))

    def __repr__(self):
        shown = {key: getattr(self, key) for key in SHOWN}
        return f'LambdaContext([{",".join(f"{key}={value}" for key, value in shown.items())}])'


SHOWN = (
    'aws_request_id',
    'log_group_name',
    'log_stream_name',
    'function_name',
    'memory_limit_in_mb',
    'function_version',
    'invoked_function_arn',
    'client_context',
    'identity',
    'tenant_id',
)


def trace_of(execution_id):
    """An X-Ray trace id from the 32 hexadecimal digits of the execution's id: time and random part."""
    digits = execution_id.replace('-', '')
    return f'Root=1-{digits[:8]}-{digits[8:]};Parent={digits[16:]};Sampled=0'


class ClientContext:
    def __init__(self, given):
        self.custom = given.get('custom')
        self.env = given.get('env')
        client = given.get('client')
        self.client = Client(client) if isinstance(client, dict) else None


class Client:
    def __init__(self, given):
        for name in ('installation_id', 'app_title', 'app_version_name', 'app_version_code', 'app_package_name'):
            setattr(self, name, given.get(name))


def client_context(given):
    return ClientContext(given) if isinstance(given, dict) else None
