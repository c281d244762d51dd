"""An app: a package with several functions, found as in Azure's host."""

import json
import os
import re
import sys

from ..errors import Refusal
from .routes import Route

READERS = ('blob', 'table', 'cosmosdb', 'sql', 'mysql', 'documentdb')


class InvalidApp(Refusal):
    pass


class AppFunction:
    def __init__(self, name, call, bindings, prefix, directory):
        self.name, self.call, self.directory = name, call, directory
        self.bindings = bindings
        trigger = next((one for one in bindings if one['type'].lower().endswith('trigger')), None)
        if trigger is None:
            raise InvalidApp(f'The function {name} has no trigger.')
        self.trigger = trigger
        self.outputs = [one for one in bindings if one['direction'] == 'out']
        reader = next((one for one in bindings if one['direction'] == 'in' and one['type'].lower() in READERS), None)
        if reader is not None:
            kind = reader['type']
            raise InvalidApp(f'The function {name} has the input binding "{reader["name"]}" ({kind}), which reads a storage that is not here.')
        self.path = self.route = None
        if self.is_http:
            own = trigger.get('route') or name
            self.path = '/'.join(part for part in (prefix, own.lstrip('/')) if part)
            self.route = Route(self.path)
        self.methods = [text_of(method).upper() for method in trigger.get('methods') or ()]
        self.level = text_of(trigger.get('authLevel') or 'function').lower()

    @property
    def is_http(self):
        return self.trigger['type'].lower() == 'httptrigger'

    def listed(self):
        """The function's entry in the list for the server."""
        entry = {'name': self.name, 'trigger': self.trigger['type']}
        if self.is_http:
            return {**entry, 'route': f'/{self.path}', 'methods': self.methods, 'auth_level': self.level}
        for key in ('schedule', 'queueName', 'topicName', 'subscriptionName', 'path'):
            if self.trigger.get(key) is not None:
                entry[key] = resolved(self.trigger[key])
        return entry


def resolved(text):
    """`%NAME%` stands for the value of that setting."""
    return re.sub(r'%([^%]+)%', lambda found: os.environ.get(found[1], found[0]), str(text))


def text_of(value):
    return str(getattr(value, 'value', value))


def load_app(code):
    host = read_json(os.path.join(code, 'host.json'), 'host.json')
    if host is None:
        raise InvalidApp('The package has no host.json at its root, which makes it an app of Azure Functions.')
    prefix = host.get('extensions', {}).get('http', {}).get('routePrefix', 'api')
    folders = [name for name in sorted(os.listdir(code)) if os.path.exists(os.path.join(code, name, 'function.json'))]
    if os.path.exists(os.path.join(code, 'function_app.py')):
        functions = decorated(code, prefix)
    elif folders:
        functions = [one for one in (of_folder(code, name, prefix) for name in folders) if one is not None]
    else:
        raise InvalidApp('No functions were found: the package has neither function_app.py nor a folder with function.json.')
    if not functions:
        raise InvalidApp('No functions were found: register them with decorators of the FunctionApp in function_app.py.')
    return functions


def read_json(path, name):
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding='utf-8-sig') as file:
            return json.load(file)
    except ValueError as error:
        raise InvalidApp(f'{name} is not valid JSON: {error}') from None


def decorated(code, prefix):
    """v2: the FunctionApp object of function_app.py lists its functions, once."""
    import function_app

    apps = [one for one in vars(function_app).values() if hasattr(one, 'get_functions') and hasattr(one, 'app_script_file')]
    apps = list({id(one): one for one in apps}.values())
    if len(apps) != 1:
        found = 'no instance' if not apps else 'more than one instance'
        raise InvalidApp(f'function_app.py has {found} of FunctionApp: there must be exactly one at the top level of the module.')
    functions = []
    for one in apps[0].get_functions():
        bindings = [normal(binding) for binding in one.get_bindings_dict()['bindings']]
        functions.append(AppFunction(one.get_function_name(), one.get_user_function(), bindings, prefix, code))
    return functions


def of_folder(code, name, prefix):
    """v1: a Python package below the app's."""
    import importlib
    from types import ModuleType

    config = read_json(os.path.join(code, name, 'function.json'), f'{name}/function.json')
    if config.get('disabled') is True:
        return None
    script = os.path.normpath(os.path.join(name, config.get('scriptFile') or '__init__.py'))
    if not os.path.exists(os.path.join(code, script)):
        raise InvalidApp(f'{name}: there is no file {script}.')
    if '__app__' not in sys.modules:
        package = sys.modules['__app__'] = ModuleType('__app__')
        package.__path__ = [code]
    dotted = script[:-3].replace('/', '.')
    module = importlib.import_module('__app__.' + (dotted[: -len('.__init__')] if dotted.endswith('.__init__') else dotted))
    entry = config.get('entryPoint') or 'main'
    function = getattr(module, entry, None)
    if not callable(function):
        raise InvalidApp(f'{name}: cannot load the function: the file {script} has no "{entry}".')
    return AppFunction(name, function, [normal(one) for one in config.get('bindings', ())], prefix, os.path.join(code, name))


def normal(binding):
    direction = text_of(binding.get('direction', 'in')).lower()
    return {**binding, 'type': text_of(binding['type']), 'direction': 'out' if direction in ('1', 'out') else 'in'}
