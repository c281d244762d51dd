import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const database = new DatabaseSync(join(tmpdir(), 'notes.db'))
database.exec('CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL, at TEXT NOT NULL)')
const all = database.prepare('SELECT id, text, at FROM notes ORDER BY id')
const one = database.prepare('SELECT id, text, at FROM notes WHERE id = ?')
const add = database.prepare('INSERT INTO notes (text, at) VALUES (?, ?) RETURNING id, text, at')
const remove = database.prepare('DELETE FROM notes WHERE id = ?')

export const main = {
  async fetch(request) {
    const [, noun, id] = new URL(request.url).pathname.split('/')
    if (noun !== 'notes') return Response.json({ error: 'There is /notes, and /notes/ID.' }, { status: 404 })
    if (request.method === 'POST') return create(await request.json().catch(() => null))
    if (request.method === 'GET') return id ? found(one.get(id)) : Response.json(all.all())
    if (request.method === 'DELETE' && id) return removed(remove.run(id).changes > 0)
    return Response.json({ error: `${request.method} is not for this.` }, { status: 405 })
  },
}

function create(note) {
  if (typeof note?.text !== 'string') return Response.json({ error: 'A note is {"text": "…"}.' }, { status: 400 })
  return Response.json(add.get(note.text, new Date().toISOString()), { status: 201 })
}

const found = (note) => (note ? Response.json(note) : removed(false))

const removed = (was) =>
  was ? new Response(null, { status: 204 }) : Response.json({ error: 'There is no such note.' }, { status: 404 })
