# Called as Kubeless calls functions: says what it sees, or throws.


def main(event, context):
    if event['data'].get('do') == 'throw':
        raise ValueError('as asked')
    method = event['extensions']['request'].method
    return {'data': event['data'], 'id': event['event-id'], 'from': event['event-namespace'], 'method': method, 'context': context}
