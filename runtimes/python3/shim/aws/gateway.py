"""Events of API Gateway, for functions whose variable LAMBDA_HTTP_EVENTS says the payload format and the routes, such as
`1.0; GET /items/{id}; ANY /{proxy+}`: of a REST API (1.0) or of an HTTP API (2.0)."""

import re
from urllib.parse import parse_qsl, unquote


def gateway_of(text):
    """Makes of a function URL's event that of the API."""
    form, *rest = (part.strip() for part in text.split(';'))
    routes = [route_of(part) for part in rest if part]
    convert = rest_event if form == '1.0' else http_event
    return lambda event, pairs: convert(event, matching(routes, event), pairs)


def route_of(text):
    """`{id}` is one segment, `{proxy+}` is all that is left."""
    method, _, path = text.partition(' ')
    path = path.strip() or '/'
    names = []

    def part_of(found):
        name = found[1]
        if name is None:
            return re.escape(found[0])
        names.append(name.rstrip('+'))
        return '(.+)' if name.endswith('+') else '([^/]+)'

    return method, path, re.compile(re.sub(r'\{([^}]+)\}|[^{]+', part_of, path) + '/?'), names


def matching(routes, event):
    """A route without parameters goes first, as in API Gateway."""
    method, found = event['requestContext']['http']['method'], None
    for wanted, path, pattern, names in routes:
        match = pattern.fullmatch(event['rawPath']) if wanted in ('ANY', method) else None
        if match and (found is None or len(names) < len(found[2])):
            found = wanted, path, dict(zip(names, map(unquote, match.groups())))
    return found


def http_event(event, route, _pairs):
    """Payload format 2.0 of an HTTP API."""
    if route is not None:
        method, path, parameters = route
        event['routeKey'] = event['requestContext']['routeKey'] = f'{method} {path}'
        if parameters:
            event['pathParameters'] = parameters
    return event


def rest_event(event, route, pairs):
    """The event of a REST API: what is not there is null, and names of headers are written as usual."""
    context, path = event['requestContext'], event['rawPath']
    http = context['http']
    resource, parameters = (path, None) if route is None else (route[1], route[2] or None)
    headers = groups_of((usual_name(name), value) for name, value in pairs)
    query = groups_of(parse_qsl(event['rawQueryString'], keep_blank_values=True))
    return {
        'resource': resource,
        'path': path,
        'httpMethod': http['method'],
        'headers': last_of(headers),
        'multiValueHeaders': headers,
        'queryStringParameters': last_of(query) or None,
        'multiValueQueryStringParameters': query or None,
        'pathParameters': parameters,
        'stageVariables': None,
        'requestContext': {
            **{key: context[key] for key in ('accountId', 'apiId', 'domainName', 'domainPrefix')},
            'httpMethod': http['method'],
            'identity': {'sourceIp': http['sourceIp'], 'userAgent': http['userAgent']},
            'path': path,
            'protocol': http['protocol'],
            'requestId': context['requestId'],
            'requestTime': context['time'],
            'requestTimeEpoch': context['timeEpoch'],
            'resourcePath': resource,
            'stage': context['stage'],
        },
        'body': event.get('body'),
        'isBase64Encoded': event['isBase64Encoded'],
    }


def usual_name(name):
    return '-'.join(part[:1].upper() + part[1:] for part in name.split('-'))


def groups_of(pairs):
    groups = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def last_of(groups):
    return {name: values[-1] for name, values in groups.items()}
