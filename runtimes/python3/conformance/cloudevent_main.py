# Called with CloudEvents: gives back what it sees, or an event of its own.


def main(event, context):
    if event['type'] == 'answer':
        attributes = {'specversion': '1.0', 'id': 'ä 1', 'source': '/conformance', 'type': 'answered'}
        return {**attributes, 'datacontenttype': 'application/json', 'data': {'n': 1}}
    if event.get('type') == 'throw':
        raise ValueError('as asked')
    data = {'bytes': len(event.data)} if isinstance(event.data, bytes) else event.data
    return {'attributes': event.get_attributes(), 'data': data, 'execution': context.execution_id}
