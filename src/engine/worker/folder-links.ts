import { dirname, join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import type { SandboxEngine } from '../sandbox/sandbox.ts'
import type { LinkConnection, WorkerLink, WorkerLinks } from './link.ts'
import { LinkedCode } from './linked-code.ts'
import { NamedPipes } from './named-pipes.ts'
import { WorkerFolder } from './worker-folder.ts'

/** Links through a folder on a disk that server and worker share: a socket, two pipes, and hard links to the stored code. */
export class FolderLinks implements WorkerLinks {
  #engine: SandboxEngine
  #parent: string
  #pipes: NamedPipes
  #code: LinkedCode

  constructor(engine: SandboxEngine, parent: string, clock?: Clock) {
    this.#engine = engine
    this.#parent = parent
    this.#code = new LinkedCode(clock)
    this.#pipes = new NamedPipes(join(dirname(parent), 'pipes'))
  }

  async make(worker: string): Promise<FolderLink> {
    return new FolderLink(this.#engine, await WorkerFolder.make(this.#parent, worker, this.#pipes), this.#code)
  }

  prepare(stored: string): void {
    if (this.#engine.isolatesFiles) void this.#code.makeAhead(stored)
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
  #code: LinkedCode

  constructor(
    engine: Pick<SandboxEngine, 'inside' | 'isolatesFiles' | 'secretsFolder'>,
    folder: WorkerFolder,
    code: LinkedCode,
  ) {
    this.#code = code
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

  async deliverCode(stored: string): Promise<string> {
    if (!this.#isolatesFiles) return stored
    await this.#folder.putCode(stored, this.#code)
    return `${this.#inside}/code`
  }

  remove(): Promise<void> {
    return this.#folder.remove()
  }
}
