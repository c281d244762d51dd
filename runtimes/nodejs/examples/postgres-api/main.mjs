import pg from 'pg'

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 4,
  connectionTimeoutMillis: 5000,
  // A worker that is not called is paused: its connections go before.
  idleTimeoutMillis: 10_000,
})
// One that the database closed meanwhile is no reason to end.
pool.on('error', (error) => console.error('lost a connection:', error.message))

let prepared
/** Once for each worker; tried again by the next call when it fails. */
const prepare = () => {
  prepared ??= pool.query(table).catch((error) => {
    prepared = undefined
    throw error
  })
  return prepared
}
const table = `CREATE TABLE IF NOT EXISTS notes (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL, at timestamptz NOT NULL DEFAULT now())`

export const main = {
  async fetch(request) {
    const [, noun, id] = new URL(request.url).pathname.split('/')
    if (noun !== 'notes') return refused(404, 'There is /notes, and /notes/ID.')
    if (id !== undefined && !/^\d{1,9}$/.test(id)) return noSuchNote()
    await prepare()
    if (request.method === 'POST') return create(await request.json().catch(() => null))
    if (request.method === 'GET') return id ? one(id) : all()
    if (request.method === 'DELETE' && id) return remove(id)
    return refused(405, `${request.method} is not for this.`)
  },
}

async function create(note) {
  if (typeof note?.text !== 'string') return refused(400, 'A note is {"text": "…"}.')
  const { rows } = await pool.query('INSERT INTO notes (text) VALUES ($1) RETURNING *', [note.text])
  return Response.json(rows[0], { status: 201 })
}

async function all() {
  const { rows } = await pool.query('SELECT * FROM notes ORDER BY id LIMIT 1000')
  return Response.json(rows)
}

async function one(id) {
  const { rows } = await pool.query('SELECT * FROM notes WHERE id = $1', [id])
  return rows.length > 0 ? Response.json(rows[0]) : noSuchNote()
}

async function remove(id) {
  const { rowCount } = await pool.query('DELETE FROM notes WHERE id = $1', [id])
  return rowCount > 0 ? new Response(null, { status: 204 }) : noSuchNote()
}

const refused = (status, error) => Response.json({ error }, { status })
const noSuchNote = () => refused(404, 'There is no such note.')
