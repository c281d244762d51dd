"""The programmable function of the conformance list: does what the event says (see runtimes/README.md)."""

import atexit
import base64
import os
import signal
import socket
import subprocess
import sys
import time

times_counted = 0


def main(event, context):
    if event is None:
        return {'none': True}
    if isinstance(event, str):
        return {'text': event}
    if isinstance(event, bytes):
        return {'bytes': len(event), 'sum': sum(event)}
    return DEEDS[event['do']](event, context)


def block(event, context):
    if 'stdout' in event:
        print(event['stdout'])
    time.sleep(event['ms'] / 1000)
    return 'blocked'


def sleep(event, context):
    time.sleep(event['ms'] / 1000)
    return 'slept'


def throw(event, context):
    raise ValueError(event['message'])


def print_both(event, context):
    if 'stdout' in event:
        print(event['stdout'])
    if 'stderr' in event:
        print(event['stderr'], file=sys.stderr)


def chatter(event, context):
    for line in range(event['lines']):
        print(event['tag'], line)
        time.sleep(0.001)
    return event['tag']


def flood(event, context):
    line = 'x' * 99
    for left in range(event['bytes'], 0, -100):
        print(line[: min(99, left - 1)])


def loop(event, context):
    while True:
        pass


def memory(event, context):
    block = bytearray(event['mb'] * 1024 * 1024)
    block[::4096] = b'\1' * len(range(0, len(block), 4096))


def describe_context(event, context):
    return {
        'execution_id': context.execution_id,
        'function_id': context.function_id,
        'function_name': context.function_name,
        'function_version': context.function_version,
        'project_id': context.project_id,
        'deadline_ms': context.deadline_ms,
        'remaining_ms': context.remaining_ms,
        'trigger': context.trigger,
        'traceparent': context.traceparent,
        'language_version': context.language_version,
    }


def describe_request(event, context):
    it = context.request
    if it is None:
        return None
    body = None if it.body is None else base64.b64encode(it.body).decode()
    return {'method': it.method, 'url': it.url, 'query': it.query, 'headers': it.headers, 'body': body}


def openstack(event, context):
    print(context, {'context': context.openstack})
    it = context.openstack
    if it is None:
        return None
    return {
        'token': it.token,
        'auth_url': it.auth_url,
        'project_id': it.project_id,
        'user_id': it.user_id,
        'roles': it.roles,
        'services': len(it.catalog),
        'url': it.endpoint(event['type'], region=event.get('region')),
    }


def api(event, context):
    print(context, {'context': context.api})
    it = context.api
    return it and {'url': it.url, 'token': it.token, 'env': os.environ.get('TAIBAI_API')}


def count(event, context):
    global times_counted
    times_counted += 1
    return times_counted


def aborted(event, context):
    print('begun')
    fired = context.cancelled.wait(event['ms'] / 1000)
    if fired:
        print('aborted')
    return fired


def read(event, context):
    with open(event['path'], encoding='utf-8') as file:
        return file.read()


def write(event, context):
    with open(event['path'], 'wb') as file:
        return file.write(bytes(event['bytes']))


def connect(event, context):
    with socket.create_connection((event['host'], event['port']), timeout=2):
        return 'connected'


def spawn(event, context):
    for started in range(event['count']):
        try:
            subprocess.Popen(['sleep', '10'])
        except OSError:
            return started
    return event['count']


def run(event, context):
    done = subprocess.run(event['argv'], capture_output=True, text=True)
    return {'code': done.returncode, 'stdout': done.stdout, 'stderr': done.stderr}


def raw(event, context):
    by, text = event['by'], event['stdout']
    if 'before' in event:
        print(event['before'])
    if by == 'descriptor':
        os.write(1, f'{text}\n'.encode())
    elif by == 'file':
        with open('/dev/stdout', 'w') as file:
            file.write(f'{text}\n')
    elif by == 'child':
        subprocess.run(['echo', text])
    elif by == 'flood':
        subprocess.run(['sh', '-c', f'yes | head -c {text}'])
    elif by == 'late':
        subprocess.Popen(['sh', '-c', 'sleep "$0"; echo "$1"', str(event['ms'] / 1000), text])


def at_end(event, context):
    atexit.register(print, event['stdout'])


def local_time(event, context):
    it = time.localtime(event['seconds'])
    return f'{it.tm_hour:02}:{it.tm_min:02}'


def last_words(event, context):
    os.write(2, event['stderr'].encode())
    os.kill(os.getpid(), signal.SIGKILL)


DEEDS = {
    'echo': lambda event, context: event.get('value'),
    'text': lambda event, context: event['value'] * event.get('times', 1),
    'bytes': lambda event, context: bytes(range(256)),
    'nothing': lambda event, context: None,
    'sleep': sleep,
    'block': block,
    'throw': throw,
    'print': print_both,
    'raw': raw,
    'last_words': last_words,
    'at_end': at_end,
    'local_time': local_time,
    'chatter': chatter,
    'flood': flood,
    'exit': lambda event, context: sys.exit(event['code']),
    'loop': loop,
    'memory': memory,
    'objects': lambda event, context: len([[at + 0.5] * 131072 for at in range(event['mb'])]),
    'unserialisable': lambda event, context: {'a set': {1, 2}},
    'context': describe_context,
    'cloudevent': lambda event, context: context.cloudevent,
    'request': describe_request,
    'openstack': openstack,
    'api': api,
    'env': lambda event, context: os.environ.get(event['name']),
    'count': count,
    'aborted': aborted,
    'read': read,
    'write': write,
    'list': lambda event, context: sorted(os.listdir(event['path'])),
    'connect': connect,
    'spawn': spawn,
    'run': run,
}
