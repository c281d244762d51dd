"""`gcf`: Google's Functions Framework: Flask requests, CloudEvent, typed and first-generation functions. The framework does
the work."""

import os

from ..cloud_event import is_event
from ..errors import EntryNotFound, Refusal
from ..json_text import from_json
from ..platform import supply
from ..web import posted
from ..web.application import prepare_application


class FunctionsFrameworkError(Refusal):
    """An error of the framework about a package; its own trace would not help."""


def load(meta):
    supply()
    target = meta['entry']
    surroundings(meta, target)
    source = source_in(os.environ.get('FUNCTION_SOURCE'))
    import functions_framework
    from functions_framework.exceptions import FunctionsFrameworkException

    try:
        return functions_framework.create_app(target, source, os.environ.get('FUNCTION_SIGNATURE_TYPE') or None)
    except FunctionsFrameworkException as error:
        kind = EntryNotFound if 'Target' in type(error).__name__ else FunctionsFrameworkError
        raise (kind(str(error), 'callable') if kind is EntryNotFound else kind(str(error))) from None


def surroundings(meta, target):
    """Variables of the platform, unless the function sets them itself."""
    name = meta.get('function_name') or meta.get('function_id')
    seconds = str(-(-(meta.get('timeout_ms') or 60_000) // 1000))
    project = meta.get('project_id') or ''
    given = {
        'PORT': '8080',
        'K_SERVICE': name,
        'K_REVISION': f'{name}-{meta.get("function_version")}',
        'K_CONFIGURATION': name,
        'FUNCTION_TIMEOUT_SEC': seconds,
        'CLOUD_RUN_TIMEOUT_SECONDS': seconds,
        'GOOGLE_CLOUD_PROJECT': project,
        'GCP_PROJECT': project,
    }
    for key, value in given.items():
        os.environ.setdefault(key, value)
    os.environ['FUNCTION_TARGET'] = target


def source_in(given):
    """The file that defines the function: main.py, else the only file."""
    if given or os.path.exists('main.py'):
        return os.path.join(given, 'main.py') if given and os.path.isdir(given) else given or 'main.py'
    files = [name for name in os.listdir('.') if name.endswith('.py')]
    return files[0] if len(files) == 1 else 'main.py'


def prepare(worker, function):
    return prepare_application(function, request_of)


def request_of(meta, body):
    """Meta with a request, its body, and whether the result is a value, which callers without HTTP get."""
    http = meta.get('http')
    asked = http or posted(meta)
    headers = [*asked['headers'], ['function-execution-id', meta.get('execution_id') or '']]
    if http is None and meta.get('input') == 'json' and is_structured(body):
        headers[0] = ['content-type', 'application/cloudevents+json']
    return {**meta, 'http': {**asked, 'headers': headers}}, body, http is None


def is_structured(body):
    return b'"specversion"' in body and is_event(from_json(str(body, 'utf-8')))
