import {
  chmodSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { makePipes, type PipeStock } from './pipe-stock.ts'

/** Files linked without yielding: about a third of a millisecond. */
const linksAtOnce = 64

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

  static async make(parent: string, name: string, pipes?: PipeStock): Promise<WorkerFolder> {
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
  async putCode(from: string): Promise<void> {
    let links = 0
    const link = readableLinks()
    for (const _ of linkTree(from, join(this.path, 'code'), link)) if (++links % linksAtOnce === 0) await nextTurn()
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

/**
 * Recreates the tree with hard links to its files, one file per step. Symbolic links inside a package stay as they are. It runs
 * on this thread: a link takes 6 µs, a handover to a thread pool 30.
 */
function* linkTree(from: string, to: string, link: (source: string, target: string) => void): Generator<void> {
  mkdirSync(to)
  // The worker's user must be able to read it, whatever the server's umask.
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) yield* linkTree(source, target, link)
    else if (entry.isSymbolicLink()) yield symlinkSync(readlinkSync(source), target)
    else yield link(source, target)
  }
}

/** Links files that everybody may read. Earlier versions stored packages that only the server could read under some umasks. */
function readableLinks(): (source: string, target: string) => void {
  let areOpen: boolean | undefined
  return (source, target) => {
    areOpen ??= (statSync(source).mode & 0o004) !== 0
    if (!areOpen) chmodSync(source, asOwner(statSync(source).mode))
    linkSync(source, target)
  }
}

/** Gives others the owner's permissions to read and run. */
const asOwner = (mode: number): number => (mode & 0o777) | ((mode & 0o500) >> 3) | ((mode & 0o500) >> 6)
