# For the Functions Framework that the platform supplies.
import os

import functions_framework


@functions_framework.http
def hello(request):
    if request.path == '/throw':
        raise ValueError('as asked')
    body = request.get_json(silent=True)
    return {'method': request.method, 'path': request.path, 'body': body, 'service': os.environ['K_SERVICE']}, 201


@functions_framework.cloud_event
def events(event):
    print(event['type'], event['id'], event.data['n'])
