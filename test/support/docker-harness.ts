import type { BindOptions, BoundWorker, Harness } from './conformance-harness.ts'
import { type DockerWorkers, startRaw } from './docker-workers.ts'
import { mib } from './fake-workers-pool.ts'
import { bindMeta, boundWorker, ShimConnection } from './shim-connection.ts'

/** Containers that are started ahead of the tests that will want them. */
const ahead = 3

interface Started {
  connection: ShimConnection
  exited: Promise<number | null>
  putCode(): Promise<void>
  end(): Promise<void>
}

/** Runs the conformance list against containers; the next ones start while a test runs. */
export class ContainerHarness implements Harness {
  readonly #runtime: string
  readonly #workers: () => DockerWorkers
  readonly #ready: Promise<Started>[] = []

  constructor(runtime: string, workers: () => DockerWorkers) {
    this.#runtime = runtime
    this.#workers = workers
  }

  async bind(options?: BindOptions): Promise<BoundWorker> {
    const { connection, exited, putCode, end } = await this.#next()
    try {
      await putCode()
      const { loadMs } = await connection.bind(bindMeta('/taibai/code', options))
      return boundWorker(connection, loadMs, exited, end)
    } catch (error) {
      await end()
      throw error
    }
  }

  /** Ends the ones that no test used. */
  async close(): Promise<void> {
    for (const started of await Promise.allSettled(this.#ready.splice(0))) {
      if (started.status === 'fulfilled') await started.value.end()
    }
  }

  #next(): Promise<Started> {
    while (this.#ready.length <= ahead) {
      const starting = this.#start()
      starting.catch(() => {})
      this.#ready.push(starting)
    }
    return this.#ready.shift() as Promise<Started>
  }

  async #start(): Promise<Started> {
    const workers = this.#workers()
    const { sandbox, folder } = await startRaw(workers, this.#runtime, workers.newName(), 256 * mib)
    const connection = new ShimConnection(await folder.connection())
    connection.descriptor('stdout', folder.stdout)
    connection.descriptor('stderr', folder.stderr)
    await connection.hello
    const end = async () => {
      await sandbox.kill()
      connection.close()
      await connection.closed
      await folder.remove()
    }
    const exited = sandbox.exited.then(({ code }) => code)
    return { connection, exited, putCode: () => folder.putCode(workers.codeFolder(this.#runtime)), end }
  }
}
