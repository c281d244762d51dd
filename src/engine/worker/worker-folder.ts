import { constants, openSync } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, Socket } from 'node:net'
import { join } from 'node:path'
import { LinkedCode } from './linked-code.ts'
import { makePipes, type NamedPipes } from './named-pipes.ts'

/**
 * A worker's own folder: the socket for its shim, the pipes of its standard output and error and, once bound, its function's
 * code. It is mounted into that one sandbox, so no other worker sees it. The server owns it, the worker's user may read it, and
 * the parent folder keeps everybody else out.
 */
export class WorkerFolder {
  readonly path: string
  #server: Server
  #connection: Promise<Socket>
  /** Output of the worker that bypasses its shim. */
  readonly stdout: Socket
  readonly stderr: Socket

  private constructor(path: string, server: Server, connection: Promise<Socket>, [stdout, stderr]: [Socket, Socket]) {
    this.path = path
    this.#server = server
    this.#connection = connection
    this.stdout = stdout
    this.stderr = stderr
  }

  static async make(parent: string, name: string, pipes?: NamedPipes): Promise<WorkerFolder> {
    const path = join(parent, name)
    const [socket, stdout, stderr] = ['worker.sock', 'stdout', 'stderr'].map((each) => join(path, each)) as Three
    await mkdir(path, { recursive: true })
    const server = createServer()
    const connection = firstConnection(server)
    try {
      await Promise.all([
        pipes === undefined ? makePipes([stdout, stderr]) : pipes.put([stdout, stderr]),
        listen(server, socket).then(() => chmod(socket, 0o666)),
        // Independent of the server's umask.
        chmod(path, 0o755),
      ])
      return new WorkerFolder(path, server, connection, [openPipe(stdout), openPipe(stderr)])
    } catch (error) {
      server.close()
      await rm(path, { recursive: true, force: true })
      throw error
    }
  }

  /** The shim's connection: the first one; later ones are refused. */
  connection(): Promise<Socket> {
    return this.#connection
  }

  /** Creates `code/` with hard links to the stored files: nothing is copied, and the folder can be removed at any time. */
  putCode(from: string, links = new LinkedCode()): Promise<void> {
    return links.put(from, join(this.path, 'code'))
  }

  async remove(): Promise<void> {
    this.#server.close()
    // A connection that arrived when nobody waited for it any more.
    void this.#connection.then((socket) => socket.destroy())
    this.stdout.destroy()
    this.stderr.destroy()
    // Retried, because processes that the function left may still write to the folder.
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}

type Three = [string, string, string]

/** Opened for writing too: a pipe without a writer is at its end, as before the worker opens it and between its processes. */
export function openPipe(path: string): Socket {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

const firstConnection = (server: Server): Promise<Socket> =>
  new Promise((resolve) => {
    server.once('connection', (socket) => {
      // Another connection may already have been accepted.
      server.on('connection', (other) => other.destroy())
      server.close()
      resolve(socket)
    })
  })

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
