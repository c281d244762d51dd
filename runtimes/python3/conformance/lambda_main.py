"""Called as AWS Lambda calls functions: does what the event says; over HTTP what the path says."""

import base64
import os


def main(event, context):
    path = event.get('rawPath') if isinstance(event, dict) else None
    if path == '/event':
        return event
    if path == '/answer':
        return {
            'statusCode': 201,
            'headers': {'Content-Type': 'text/plain', 'x-number': 7},
            'cookies': ['a=1; Path=/', 'b=2'],
            'body': base64.b64encode('grüß'.encode()).decode(),
            'isBase64Encoded': True,
        }
    if path == '/object':
        return {'statusCode': 200, 'body': {'a': 1}}
    if path == '/many':
        return {'statusCode': 200, 'multiValueHeaders': {'x-many': ['a', 'b']}}
    if path == '/text':
        return 'plain'
    if path == '/throw':
        raise ValueError('as asked')
    what = event.get('do') if isinstance(event, dict) else None
    if what == 'context':
        custom = context.client_context and context.client_context.custom
        return {
            'id': context.aws_request_id,
            'name': context.function_name,
            'version': context.function_version,
            'arn': context.invoked_function_arn,
            'memory': context.memory_limit_in_mb,
            'group': context.log_group_name,
            'hasStream': context.log_stream_name != '',
            'remaining': context.get_remaining_time_in_millis(),
            'custom': custom.get('tag') if custom else None,
        }
    if what == 'env':
        return os.environ.get(event['name'])
    if what == 'throw':
        raise ValueError(event['message'])
    return event
