"""Removes what an HTTP API lists and is too old: GET API_URL lists [{"id", "created_at"}], DELETE API_URL/ID removes one."""

import json
import os
from datetime import datetime, timedelta, timezone
from urllib.request import Request, urlopen

API_URL = os.environ['API_URL']
KEEP = timedelta(days=float(os.environ.get('KEEP_DAYS', '30')))


def main(event, context):
    before = datetime.now(timezone.utc) - KEEP
    items = json.loads(ask('GET', API_URL))
    old = [item for item in items if datetime.fromisoformat(item['created_at']) < before]
    for item in old:
        ask('DELETE', f'{API_URL}/{item["id"]}')
        print('removed', item['id'], 'of', item['created_at'])
    return {'looked_at': len(items), 'removed': len(old)}


def ask(method, url):
    with urlopen(Request(url, method=method), timeout=20) as answer:
        return answer.read()
