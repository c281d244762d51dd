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

/** Files linked in one go: about a third of a millisecond. */
const linksAtOnce = 64

/**
 * A worker's own folder: the socket that its shim connects to, the pipes of its standard output and standard error and, once bound,
 * the code of its function. Mounted into that one sandbox: no other worker can see it. Ours, and open to whatever user the worker
 * is; its parent keeps everybody else out.
 */
export class WorkerFolder {
  readonly path: string
  #server: Server
  #connection: Promise<Socket>
  /** What is written to the worker's standard output and standard error, past its shim. */
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
        // Whatever our umask says.
        chmod(path, 0o755),
      ])
      return new WorkerFolder(path, server, connection, [openPipe(stdout), openPipe(stderr)])
    } catch (error) {
      server.close()
      await rm(path, { recursive: true, force: true })
      throw error
    }
  }

  /** The shim's connection: the first one; nobody else gets in. */
  connection(): Promise<Socket> {
    return this.#connection
  }

  /** Puts the code into `code/`, as links to the stored files: nothing is copied, and the folder can go at any time. */
  async putCode(from: string): Promise<void> {
    let links = 0
    const link = readableLinks()
    for (const _ of linkTree(from, join(this.path, 'code'), link)) if (++links % linksAtOnce === 0) await nextTurn()
  }

  async remove(): Promise<void> {
    this.#server.close()
    // One that came when nobody waited for it any more.
    void this.#connection.then((socket) => socket.destroy())
    this.stdout.destroy()
    this.stderr.destroy()
    // Tried again: what its function has left running may write while the folder goes, and one that is not empty stays.
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}

type Three = [string, string, string]

/** For writing too: a pipe that nobody has open for writing would be at its end, before the worker opens it and between programs. */
export function openPipe(path: string): Socket {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

const firstConnection = (server: Server): Promise<Socket> =>
  new Promise((resolve) => {
    server.once('connection', (socket) => {
      // Another may be accepted already.
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
 * The same tree again, its files hard links to the first, one at each step. Symlinks inside a package stay what they are.
 * Done on this thread: a link takes 6 µs, and handing it to another one 30.
 */
function* linkTree(from: string, to: string, link: (source: string, target: string) => void): Generator<void> {
  mkdirSync(to)
  // The worker's user must be able to read it, whatever our umask says.
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) yield* linkTree(source, target, link)
    else if (entry.isSymbolicLink()) yield symlinkSync(readlinkSync(source), target)
    else yield link(source, target)
  }
}

/** Links files that all may read. Earlier versions stored packages that only the server could read where its umask said so. */
function readableLinks(): (source: string, target: string) => void {
  let areOpen: boolean | undefined
  return (source, target) => {
    areOpen ??= (statSync(source).mode & 0o004) !== 0
    if (!areOpen) chmodSync(source, asOwner(statSync(source).mode))
    linkSync(source, target)
  }
}

/** Others may read, and run, what the owner may. */
const asOwner = (mode: number): number => (mode & 0o777) | ((mode & 0o500) >> 3) | ((mode & 0o500) >> 6)
