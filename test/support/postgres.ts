import { createServer, type Server, type Socket } from 'node:net'
import { PGlite } from '@electric-sql/pglite'

/** A real Postgres in this process, at a port that any client speaks to: one connection after the other, in its turn. */

const sslRequest = 80877103

export async function startPostgres(): Promise<{ port: number; close(): Promise<void> }> {
  const database = await PGlite.create({ relaxedDurability: true })
  const server = createServer((socket) => serve(socket, database))
  const port = await listening(server)
  return {
    port,
    close: async () => {
      server.close()
      await database.close()
    },
  }
}

/** The messages of a client are whole: a client sends no more until it has its answer. */
function serve(socket: Socket, database: PGlite): void {
  let turn = Promise.resolve()
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    turn = turn.then(async () => {
      if (bytes.length === 8 && bytes.readInt32BE(4) === sslRequest) socket.write('N')
      else socket.write(await database.execProtocolRaw(bytes))
    })
  })
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
