import asyncio
import json
from urllib.parse import parse_qs

HEADERS = [(b'content-type', b'text/event-stream'), (b'cache-control', b'no-store')]


async def main(scope, receive, send):
    """An ASGI application, as the `app` of FastAPI or Starlette is."""
    query = parse_qs(scope['query_string'].decode())
    text = query.get('text', ['This answer comes word by word.'])[0]
    await send({'type': 'http.response.start', 'status': 200, 'headers': HEADERS})
    for at, word in enumerate(text.split(' ')):
        piece = f'id: {at}\ndata: {json.dumps({"word": word})}\n\n'
        await send({'type': 'http.response.body', 'body': piece.encode(), 'more_body': True})
        await asyncio.sleep(0.1)
    await send({'type': 'http.response.body', 'body': b'event: end\ndata: {}\n\n'})
