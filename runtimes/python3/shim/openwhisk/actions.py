"""Finds the function of an action: in `__main__.py`, or where the entry says."""

import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from ..errors import EntryNotFound
from ..loading import load, modules_in

ROOT_FILES = ('__main__.py', 'exec')
USUAL_MODULE = 'main'


def find_action(code, entry):
    """`entry`: the function's name, or `module.function`. Raises EntryNotFound with OpenWhisk's message."""
    enter_virtualenv(os.path.join(code, 'virtualenv'))
    module, _, name = entry.rpartition('.')
    if module not in ('', USUAL_MODULE) or (module and module in set(modules_in(code))):
        return load(code, entry)
    file = root_file(code)
    function = getattr(load_main(file), name, None)
    if callable(function):
        return function
    raise EntryNotFound(f'{os.path.basename(file)} has no function {name!r}: say which one with --main', 'callable')


def root_file(code):
    """`__main__.py`, else the only file."""
    for name in ROOT_FILES:
        if os.path.isfile(os.path.join(code, name)):
            return os.path.join(code, name)
    names = sorted(os.listdir(code))
    scripts = [name for name in names if name.endswith('.py')]
    if len(scripts) == 1:
        return os.path.join(code, scripts[0])
    there = ', '.join(names[:30]) or 'no files'
    raise EntryNotFound(f'Zip file does not include __main__.py at its root; there are {there}', 'module')


def load_main(file):
    """Uses OpenWhisk's module name, because `__main__` belongs to the shim."""
    spec = spec_from_loader('main__', SourceFileLoader('main__', file))
    module = sys.modules['main__'] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def enter_virtualenv(folder):
    """Packages in the action's `virtualenv` have priority over the system's."""
    activate = os.path.join(folder, 'bin', 'activate_this.py')
    if os.path.isfile(activate):
        with open(activate, encoding='utf-8') as file:
            exec(compile(file.read(), activate, 'exec'), {'__file__': activate})
        return
    libraries = os.path.join(folder, 'lib')
    for version in sorted(os.listdir(libraries)) if os.path.isdir(libraries) else ():
        packages = os.path.join(libraries, version, 'site-packages')
        if os.path.isdir(packages):
            sys.path.insert(1, packages)
