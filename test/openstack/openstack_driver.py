"""The real `openstack` command, many times over: loading it takes seconds, and each command forks from what is loaded.

Reads one JSON object a line: {"args": [...], "env": {...}, "cwd": "..."}, and answers each with a line: {"code", "stdout",
"stderr"}. Its first line says which commands the Qinling plugin has.
"""

import contextlib
import io
import json
import logging
import os
import sys
import tempfile

import keystoneauth1.identity  # noqa: F401
import qinlingclient.client  # noqa: F401
import qinlingclient.v1.client  # noqa: F401
from openstackclient import shell
from stevedore import ExtensionManager


def load():
    commands = ExtensionManager('openstack.function_engine.v1', invoke_on_load=False)
    # Given once for what it loads on its way: every plugin, and the packages that they come from.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        shell.main(['runtime', 'list', '--help'])
    logging.getLogger().handlers.clear()
    return sorted(name.replace('_', ' ') for name in commands.names())


def run(asked):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            become(asked, out, err)
        _, status = os.waitpid(pid, 0)
        return {'code': os.waitstatus_to_exitcode(status), 'stdout': text(out), 'stderr': text(err)}


def become(asked, out, err):
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        for name in [name for name in os.environ if name.startswith(('OS_', 'QINLING_'))]:
            del os.environ[name]
        os.environ.update(asked['env'])
        os.chdir(asked['cwd'])
        code = shell.main(asked['args'])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def text(file):
    file.seek(0)
    return file.read().decode('utf-8', 'replace')


def say(value):
    sys.stdout.write(json.dumps(value) + '\n')
    sys.stdout.flush()


say({'commands': load()})
for line in sys.stdin:
    say(run(json.loads(line)))
