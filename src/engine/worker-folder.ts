import type { Dirent } from 'node:fs'
import { chmod, chown, link, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

export type Owner = { uid: number; gid: number } | null

/** Files linked at once; more gain nothing on the four threads that serve them. */
const parallelLinks = 16

/**
 * A worker's own folder: the socket that its shim connects to and, once bound, the code of its function. Mode 0700 and
 * mounted into that one sandbox: no other worker can see it.
 */
export class WorkerFolder {
  readonly path: string
  #server: Server
  #connection: Promise<Socket>

  private constructor(path: string, server: Server, connection: Promise<Socket>) {
    this.path = path
    this.#server = server
    this.#connection = connection
  }

  static async make(parent: string, name: string, owner: Owner): Promise<WorkerFolder> {
    const path = join(parent, name)
    const socket = join(path, 'worker.sock')
    await mkdir(path, { recursive: true, mode: 0o700 })
    const server = createServer()
    const connection = firstConnection(server)
    try {
      await listen(server, socket)
      await chmod(socket, 0o600)
      if (owner !== null) await Promise.all([path, socket].map((each) => chown(each, owner.uid, owner.gid)))
      return new WorkerFolder(path, server, connection)
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
    await linkTree(from, join(this.path, 'code'))
  }

  async remove(): Promise<void> {
    this.#server.close()
    // One that came when nobody waited for it any more.
    void this.#connection.then((socket) => socket.destroy())
    await rm(this.path, { recursive: true, force: true })
  }
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

/** The same tree again, its files hard links to the first. Symlinks inside a package stay what they are. */
async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  // The worker's user must be able to read it, whatever our umask says.
  await chmod(to, 0o755)
  const entries = await readdir(from, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory())
  for (let at = 0; at < files.length; at += parallelLinks) {
    await Promise.all(files.slice(at, at + parallelLinks).map((file) => linkOne(file, from, to)))
  }
  for (const entry of entries) {
    if (entry.isDirectory()) await linkTree(join(from, entry.name), join(to, entry.name))
  }
}

async function linkOne(file: Dirent, from: string, to: string): Promise<void> {
  const [source, target] = [join(from, file.name), join(to, file.name)]
  if (file.isSymbolicLink()) await symlink(await readlink(source), target)
  else await link(source, target)
}
