"""The environment of an action."""

import os

from ..changing_environ import setter
from ..json_text import from_json

DEFAULTS = '__OW_PARAMETERS'
"""Internal variable with the JSON of the action's default parameters, hidden from the action."""


def surroundings(meta):
    """Sets the variables that all calls share, unless the function sets them itself. Returns its default parameters; None:
    none."""
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
    """Returns a function that sets the values of one call."""
    set_activation, set_transaction = setter('__OW_ACTIVATION_ID'), setter('__OW_TRANSACTION_ID')
    set_deadline = setter('__OW_DEADLINE')
    api = meta.get('api')
    set_key = None if api is None else setter('__OW_API_KEY')

    def enter(call):
        execution_id = call['execution_id']
        activation = execution_id.replace('-', '')
        set_activation(activation)
        set_transaction(activation)
        set_deadline(str(call['deadline_ms']))
        if set_key is not None:
            set_key(f'taibai:{api["token"]}.{execution_id}')

    return enter
