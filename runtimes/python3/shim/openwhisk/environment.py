"""What an action finds in its environment."""

import os

from ..json_text import from_json

DEFAULTS = '__OW_PARAMETERS'
"""JSON of the action's default parameters: the server's word to the shim, and none of the action's variables."""


def surroundings(meta):
    """Sets what is the same for all calls, unless the function sets it itself. Returns its default parameters; None: none."""
    project = meta.get('project_id')
    name = (meta.get('function_name') or meta.get('function_id')).replace('--', '/', 1)
    variables = {
        '__OW_ACTION_NAME': f'/{project}/{name}',
        '__OW_ACTION_VERSION': f'0.0.{meta.get("function_version") or 1}',
        '__OW_NAMESPACE': project,
    }
    api = meta.get('api')
    if api is not None:
        variables['__OW_API_HOST'] = api['url']
    for key, value in variables.items():
        os.environ.setdefault(key, value)
    defaults = os.environ.pop(DEFAULTS, None)
    return None if defaults is None else from_json(defaults)


def entering(meta):
    """What sets the values of one call."""
    environ = os.environ
    api = meta.get('api')

    def enter(call):
        execution_id = call['execution_id']
        environ['__OW_ACTIVATION_ID'] = environ['__OW_TRANSACTION_ID'] = execution_id.replace('-', '')
        environ['__OW_DEADLINE'] = str(call['deadline_ms'])
        if api is not None:
            environ['__OW_API_KEY'] = f'taibai:{api["token"]}.{execution_id}'

    return enter
