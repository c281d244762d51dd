import json
import sqlite3
import tempfile

database = sqlite3.connect(f'{tempfile.gettempdir()}/notes.db', check_same_thread=False)
database.row_factory = sqlite3.Row
database.execute('CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)')


def main(environ, start_response):
    status, value = answer(environ)
    start_response(status, [('Content-Type', 'application/json')])
    return [json.dumps(value).encode()]


def answer(environ):
    _, noun, *rest = environ['PATH_INFO'].split('/')
    if noun != 'notes':
        return '404 Not Found', {'error': 'There is /notes, and /notes/ID.'}
    if environ['REQUEST_METHOD'] == 'POST':
        return create(environ['wsgi.input'].read())
    if rest:
        return one('SELECT id, text FROM notes WHERE id = ?', rest[0])
    return '200 OK', [dict(row) for row in database.execute('SELECT id, text FROM notes ORDER BY id')]


def create(body):
    try:
        text = json.loads(body)['text']
    except (ValueError, KeyError, TypeError):
        return '400 Bad Request', {'error': 'A note is {"text": "…"}.'}
    with database:
        added = database.execute('INSERT INTO notes (text) VALUES (?)', [str(text)])
    return '201 Created', {'id': added.lastrowid, 'text': text}


def one(query, key):
    row = database.execute(query, [key]).fetchone()
    return ('200 OK', dict(row)) if row else ('404 Not Found', {'error': 'There is no such note.'})
