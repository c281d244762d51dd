import { dirname, join } from 'node:path'
import type { SandboxEngine } from '../sandbox/sandbox.ts'
import type { LinkConnection, WorkerLink, WorkerLinks } from './link.ts'
import { PipeStock } from './pipe-stock.ts'
import { WorkerFolder } from './worker-folder.ts'

/** Links through a folder on a disk that server and worker share: a socket, two pipes, and hard links to the stored code. */
export class FolderLinks implements WorkerLinks {
  #engine: SandboxEngine
  #parent: string
  #pipes: PipeStock

  constructor(engine: SandboxEngine, parent: string) {
    this.#engine = engine
    this.#parent = parent
    this.#pipes = new PipeStock(join(dirname(parent), 'pipes'))
  }

  async make(worker: string): Promise<FolderLink> {
    return new FolderLink(this.#engine, await WorkerFolder.make(this.#parent, worker, this.#pipes))
  }

  async close(): Promise<void> {}
}

export class FolderLink implements WorkerLink {
  readonly given: { folder: string; env: Record<string, string> }
  readonly secretsFolder: string
  readonly codeIsMemory = false
  #folder: WorkerFolder
  #inside: string
  #isolatesFiles: boolean

  constructor(engine: Pick<SandboxEngine, 'inside' | 'isolatesFiles' | 'secretsFolder'>, folder: WorkerFolder) {
    this.#folder = folder
    this.#inside = engine.inside(folder.path)
    this.secretsFolder = engine.secretsFolder(folder.path)
    this.#isolatesFiles = engine.isolatesFiles
    this.given = { folder: folder.path, env: { TAIBAI_SOCKET: `${this.#inside}/worker.sock` } }
  }

  async connection(): Promise<LinkConnection> {
    const { stdout, stderr } = this.#folder
    return { frames: await this.#folder.connection(), stdout, stderr }
  }

  async bringCode(stored: string): Promise<string> {
    if (!this.#isolatesFiles) return stored
    await this.#folder.putCode(stored)
    return `${this.#inside}/code`
  }

  remove(): Promise<void> {
    return this.#folder.remove()
  }
}
