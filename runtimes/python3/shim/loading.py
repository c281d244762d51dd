"""Loading: the process enters the code's folder and finds the callable that the entry names."""

import os
import sys
import time

from . import LOADED_BY_PYTHON
from .errors import EntryNotFound

MOST_NAMES = 50  # limit of listed names in an error


def enter(meta):
    """Makes the process look like a program started in the code's folder."""
    env = meta.get('env') or {}
    code = meta['code'] = env.get('_TAIBAI_INSPECT_CODE', meta['code'])
    for name in 'TAIBAI_SOCKET', 'TAIBAI_SERVER', 'TAIBAI_KEY':
        os.environ.pop(name, None)
    os.environ.update(env)
    if 'secret_files' in meta:
        write_secret_files(meta['secrets'], meta['secret_files'])
    if 'TZ' in env:
        time.tzset()
    os.chdir(code)
    further = [path for path in env.get('PYTHONPATH', '').split(os.pathsep) if path]
    sys.path[:] = [code, *further, *(path for path in sys.path if path not in ('', os.path.dirname(__file__)))]
    sys.argv = [code]
    sys.dont_write_bytecode = True  # the folder may be shared with other workers
    forget_shadowed(code)
    if '_TAIBAI_INSPECT' in env:
        from .inspector import listen

        listen(int(env['_TAIBAI_INSPECT']), env['_TAIBAI_INSPECT_PACKAGES'])


def write_secret_files(folder, files):
    """Called before the function's code is loaded; only the worker's user can read the files."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, text in files.items():
        file = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(file, 'w', encoding='utf-8', newline='') as opened:
            opened.write(text)


def forget_shadowed(code):
    """A module of the function has priority over one of the standard library, even if the latter is already loaded."""
    shadowed = set(modules_in(code)) & set(sys.modules) - LOADED_BY_PYTHON
    for name in list(sys.modules):
        if name.partition('.')[0] in shadowed:
            del sys.modules[name]


def modules_in(folder):
    for name in os.listdir(folder):
        if name.endswith(('.py', '.pyc', '.so')):
            yield name.partition('.')[0]
        elif '.' not in name and os.path.exists(os.path.join(folder, name, '__init__.py')):
            yield name


def load(code, entry):
    """The callable that the entry names."""
    module_name, _, name = entry.rpartition('.')
    path = module_name[2:] if module_name.startswith('./') else module_name
    dotted = path.replace('/', '.')
    if not name or not all(dotted.split('.')):
        raise EntryNotFound(f'the entry {entry!r} is not of the form module.callable', 'form')
    if '/' in path:  # modules beside it can be imported as if they were in the root
        sys.path.insert(1, os.path.join(code, os.path.dirname(path)))
    module = load_module(code, dotted)
    function = getattr(module, name, None)
    if not callable(function):
        what = 'has no' if function is None else 'has, but as no callable,'
        raise EntryNotFound(f'the module {module_name!r} {what} {name!r}; its callables are: {callables_in(module)}', 'callable')
    return function


def load_module(code, dotted):
    try:
        __import__(dotted)
    except ModuleNotFoundError as error:
        if not f'{dotted}.'.startswith(f'{error.name}.'):  # the failure is an import inside of it
            raise
        there = listing(sorted(modules_in(code)))
        raise EntryNotFound(f'there is no module {dotted!r} in the code; its modules are: {there}', 'module') from None
    module = sys.modules[dotted]
    file = os.path.join(code, f'{dotted}.py')
    if dotted in LOADED_BY_PYTHON and os.path.exists(file):
        return load_file(dotted, file)
    return module


def load_file(name, file):
    """An entry with the name of a module that Python itself needs: `time.py`, `io.py`."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f'function_{name}', file)
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def callables_in(module):
    names = sorted(name for name, value in vars(module).items() if callable(value) and not name.startswith('_'))
    return listing(names)


def listing(names):
    return ', '.join(names[:MOST_NAMES]) + (', …' if len(names) > MOST_NAMES else '') if names else 'none'
