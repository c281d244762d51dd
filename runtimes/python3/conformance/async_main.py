"""The part of the conformance list that an async handler answers."""

import asyncio


async def main(event, context):
    await asyncio.sleep(0.001)
    if event['do'] == 'throw':
        raise ValueError(event['message'])
    if event['do'] == 'sleep':
        await asyncio.sleep(event['ms'] / 1000)
        return 'slept'
    if event['do'] == 'chatter':
        return await chatter(event)
    if event['do'] == 'aborted':
        return await aborted(event, context)
    return event['value']


async def chatter(event):
    for line in range(event['lines']):
        print(event['tag'], line)
        await asyncio.sleep(0.001)
    return event['tag']


async def aborted(event, context):
    try:
        await asyncio.wait_for(context.cancelled, event['ms'] / 1000)
    except asyncio.TimeoutError:
        return False
    print('aborted')
    return True
