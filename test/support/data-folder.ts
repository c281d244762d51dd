import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { containersOf, type ListedContainer, removeContainer, removeNetworksOf } from './docker-api.ts'

/** A data folder of a test, which outlives the servers that use it. Disposing removes what they left. */
export class DataFolder implements AsyncDisposable {
  readonly path: string

  constructor() {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), 'taibai-test-')))
  }

  /** The label of the server's containers, as its first start stored it; null before that. */
  get instance(): string | null {
    try {
      return JSON.parse(readFileSync(join(this.path, 'instance.json'), 'utf8')).id
    } catch {
      return null
    }
  }

  get adminToken(): string {
    return readFileSync(join(this.path, 'admin.token'), 'utf8').trim()
  }

  async containers(): Promise<ListedContainer[]> {
    const { instance } = this
    return instance === null ? [] : containersOf(instance)
  }

  /** Workers that have a container and no folder, or the other way round: there are none, but for moments. */
  async oddWorkers(): Promise<string[]> {
    const containers = (await this.containers()).map(({ Labels }) => Labels['io.taibai.worker'] as string)
    const folders = this.workerFolders()
    return [
      ...containers.filter((name) => !folders.includes(name)).map((name) => `container ${name}`),
      ...folders.filter((name) => !containers.includes(name)).map((name) => `folder ${name}`),
    ]
  }

  /** Names of the workers that have a folder. */
  workerFolders(): string[] {
    try {
      return readdirSync(join(this.path, 'workers')).sort()
    } catch {
      return []
    }
  }

  /** Process ids of the process engine's live workers. */
  workerProcesses(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`TAIBAI_SOCKET=${this.path}/`))
      .map(Number)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.workerProcesses()) kill(pid)
    const left = await this.containers().catch(() => [])
    await Promise.all(left.map(({ Id }) => removeContainer(Id).catch(() => {})))
    if (this.instance !== null) await removeNetworksOf(this.instance).catch(() => {})
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A process that has already ended is accepted. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Empty for a process that has ended meanwhile. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}
