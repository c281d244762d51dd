"""Called as OpenWhisk calls actions: does what the parameters say."""

import os
import time


def main(params):
    what = params.get('do') if isinstance(params, dict) else None
    if what == 'env':
        return {'value': os.environ.get(params['name'])}
    if what == 'list':
        return [1, {'two': 2}]
    if what == 'wait':
        time.sleep(0.005)
        return {'waited': params.get('ms')}
    if what == 'nothing':
        return {}
    if what == 'text':
        return 'no object'
    if what == 'error':
        return {'error': params['error'], 'more': 1}
    if what == 'throw':
        raise TypeError(params['message'])
    if what == 'print':
        print(params['text'])
        return {'there': os.path.exists('.')}
    return params


def other(params):
    return {'other': True}
