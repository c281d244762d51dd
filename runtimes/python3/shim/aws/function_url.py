"""The event and the response of a function URL: payload format 2.0."""

import time

from ..errors import Refusal
from ..json_text import to_json
from .context import LambdaContext
from .json import json_of

MONTHS = ('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec')
TEXT_TYPES = ('application/json', 'application/xml', 'application/javascript', 'application/x-www-form-urlencoded')


def event_of(meta, body):
    http = meta['http']
    path, _, query = http['target'].partition('?')
    headers, cookies = read_headers(http['headers'])
    domain = headers.get('host', 'localhost')
    now = time.time()
    event = {'version': '2.0', 'routeKey': '$default', 'rawPath': path, 'rawQueryString': query}
    if cookies:
        event['cookies'] = cookies
    event['headers'] = headers
    if query:
        event['queryStringParameters'] = joined_query(query)
    event['requestContext'] = {
        'accountId': 'anonymous',
        'apiId': LambdaContext.function_name,
        'domainName': domain,
        'domainPrefix': domain.partition('.')[0],
        'http': {
            'method': http['method'],
            'path': path,
            'protocol': 'HTTP/1.1',
            'sourceIp': headers.get('x-forwarded-for', '127.0.0.1').partition(',')[0].strip(),
            'userAgent': headers.get('user-agent', ''),
        },
        'requestId': meta.get('execution_id'),
        'routeKey': '$default',
        'stage': '$default',
        'time': time_text(now),
        'timeEpoch': int(now * 1000),
    }
    event['isBase64Encoded'] = is_binary = bool(body) and not is_text(headers.get('content-type', ''))
    if body:
        event['body'] = base64_of(body) if is_binary else str(body, 'utf-8', 'replace')
    return event if LambdaContext.gateway is None else LambdaContext.gateway(event, http['headers'])


def read_headers(pairs):
    """Joins repeated headers, except for cookies, which have their own field."""
    headers, cookies = {}, []
    for name, value in pairs:
        if name == 'cookie':
            cookies += [one for one in (part.strip() for part in value.split(';')) if one]
        else:
            headers[name] = f'{headers[name]},{value}' if name in headers else value
    return headers, cookies


def joined_query(query):
    from urllib.parse import parse_qsl

    joined = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f'{joined[name]},{value}' if name in joined else value
    return joined


def time_text(seconds):
    """`29/Nov/2026:00:00:00 +0000`, independent of the locale."""
    at = time.gmtime(seconds)
    return '%02d/%s/%d:%02d:%02d:%02d +0000' % (at[2], MONTHS[at[1] - 1], at[0], at[3], at[4], at[5])


def is_text(content_type):
    kind = content_type.partition(';')[0].strip().lower()
    return kind.startswith('text/') or kind in TEXT_TYPES or kind.endswith(('+json', '+xml'))


def base64_of(body):
    import base64

    return base64.b64encode(body).decode()


def http_answer(value):
    """Fields of the frame, and the body. An object with `statusCode` is a response; any other value becomes the body as JSON."""
    if not isinstance(value, dict) or value.get('statusCode') is None:
        body = value.encode() if isinstance(value, str) else json_of(value).encode()
        return fields_of(200, [('content-type', 'application/json')]), body
    return fields_of(status_of(value['statusCode']), headers_of(value)), body_of(value)


def fields_of(status, headers):
    return '"value":"bytes","http":%s,' % to_json({'status': status, 'headers': headers})


def status_of(given):
    try:
        return int(given)
    except (TypeError, ValueError):
        raise MalformedAnswer(f'the statusCode of the answer is {given!r}: it must be a number') from None


class MalformedAnswer(Refusal):
    pass


def headers_of(value):
    """`multiValueHeaders` is of API Gateway. Content-Type is always set: without it, clients treat a function URL's response
    as JSON."""
    given = {**(value.get('headers') or {}), **(value.get('multiValueHeaders') or {})}
    pairs = [(name.lower(), header_text(one)) for name, some in given.items() for one in values_of(some)]
    if not any(name == 'content-type' for name, _ in pairs):
        pairs.append(('content-type', 'application/json'))
    pairs += [('set-cookie', str(cookie)) for cookie in value.get('cookies') or ()]
    return [pair for pair in pairs if pair[0] != 'content-length']


def values_of(given):
    return given if isinstance(given, (list, tuple)) else (given,)


def header_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def body_of(value):
    body = value.get('body')
    if body is None:
        return b''
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if not isinstance(body, str):
        return json_of(body).encode()
    if not value.get('isBase64Encoded'):
        return body.encode()
    import base64

    return base64.b64decode(body)
