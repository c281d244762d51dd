"""Takes what waits in a list of Redis, piece by piece, until nothing is left or the time is nearly over."""

import os

from redis_list import RedisList

AT_ONCE = 1000


def main(event, context):
    queue = os.environ.get('QUEUE', 'orders')
    handled = failed = 0
    with RedisList(os.environ['REDIS_HOST'], int(os.environ.get('REDIS_PORT', '6379'))) as redis:
        while handled + failed < AT_ONCE and context.get_remaining_time_in_millis() > 5000:
            # It lies in the second list until it is done: a crash in between loses nothing.
            message = redis.move(queue, f'{queue}:working')
            if message is None:
                break
            try:
                handle(message)
                handled += 1
            except Exception as error:
                print('failed:', message, error)
                redis.push(f'{queue}:failed', message)
                failed += 1
            redis.remove(f'{queue}:working', message)
    return {'handled': handled, 'failed': failed}


def handle(message):
    if not message.strip():
        raise ValueError('an empty message')
    print('handled', message)
