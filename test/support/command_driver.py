"""A real command line in Python, many times over, for loading it takes seconds.

Started with its name, `openstack` or `aws`. Reads one JSON object a line: {"args": [...], "env": {...}, "cwd": "..."}, and answers
each with a line: {"code", "stdout", "stderr"}. Its first line says which commands there are, where a plugin brings them.
"""

import contextlib
import importlib
import io
import json
import logging
import os
import sys
import tempfile


class OpenStack:
    """With the Qinling plugin."""

    settings = ('OS_', 'QINLING_')

    def __init__(self):
        for name in ('keystoneauth1.identity', 'qinlingclient.client', 'qinlingclient.v1.client'):
            importlib.import_module(name)
        self.shell = importlib.import_module('openstackclient.shell')
        manager = importlib.import_module('stevedore').ExtensionManager
        commands = manager('openstack.function_engine.v1', invoke_on_load=False)
        # Given once for what it loads on its way: every plugin, and the packages that they come from.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            self.shell.main(['runtime', 'list', '--help'])
        logging.getLogger().handlers.clear()
        self.commands = sorted(name.replace('_', ' ') for name in commands.names())

    def main(self, args):
        return self.shell.main(args)


class Aws:
    """The aws command, of either major version. It has threads, so it cannot be forked: its commands run one after the other."""

    settings = ()
    commands = ()

    def __init__(self):
        self.driver = importlib.import_module('awscli.clidriver')

    def main(self, args):
        sys.argv = ['aws', *args]
        return self.driver.main()


program = {'openstack': OpenStack, 'aws': Aws}[sys.argv[1]]()


def run(asked):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = run_here(asked, out, err) if program.settings == () else run_forked(asked, out, err)
        return {'code': code, 'stdout': text(out), 'stderr': text(err)}


def run_forked(asked, out, err):
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = become(asked, out, err)
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def run_here(asked, out, err):
    kept = [os.dup(number) for number in (0, 1, 2)]
    try:
        return become(asked, out, err)
    finally:
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


def become(asked, out, err):
    code = 70
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        for name in [name for name in os.environ if name.startswith(program.settings)]:
            del os.environ[name]
        os.environ.update(asked['env'])
        os.chdir(asked['cwd'])
        code = program.main(asked['args'])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return code or 0


def text(file):
    file.seek(0)
    return file.read().decode('utf-8', 'replace')


def say(value):
    sys.stdout.write(json.dumps(value) + '\n')
    sys.stdout.flush()


say({'commands': program.commands})
for line in sys.stdin:
    say(run(json.loads(line)))
