import { FaasError } from '../domain/errors.ts'
import { errorTypes, type Outcome } from '../domain/outcome.ts'
import type { RuntimeManifest } from '../domain/runtime.ts'
import type { Call, Revision } from '../domain/worker.ts'
import { Channel } from './channel.ts'
import { HttpImageWorker, listens } from './http-image-worker.ts'
import { killed, platformFailed, timedOut } from './outcomes.ts'
import type { PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import { FrameType } from './protocol.ts'
import type { Sandbox, SandboxEngine, SandboxSpec } from './sandbox.ts'
import { ShimWorker, type WorkerParts } from './worker.ts'
import { WorkerFolder } from './worker-folder.ts'

export interface WorkersParts extends WorkerParts {
  engine: SandboxEngine
  manifests: RuntimeManifest[]
  workersDir: string
  newName: () => string
  startTimeoutMs: number
  /** Share of a generic worker: what a function gets that names none. */
  cpuDefaultMillicpu: number
}

/** Makes real workers: a sandbox, its folder, its connection. */
export class Workers implements WorkerFactory {
  #parts: WorkersParts

  constructor(parts: WorkersParts) {
    this.#parts = parts
  }

  async startGeneric(shape: Shape): Promise<PoolWorker> {
    const { engine, workersDir } = this.#parts
    const name = this.#parts.newName()
    const folder = await WorkerFolder.make(workersDir, name, engine.owner)
    try {
      const limits = {
        memoryBytes: shape.memoryBytes,
        cpuMillicpu: this.#parts.cpuDefaultMillicpu,
        cpuMaxMillicpu: null,
      }
      const env = { TAIBAI_SOCKET: `${engine.inside(folder.path)}/worker.sock` }
      const { image, network, trusted } = shape
      const command = this.#parts.manifests.find((manifest) => manifest.image === image)?.command ?? null
      const sandbox = await engine.start({
        name,
        image,
        network,
        trusted,
        command,
        env,
        folder: folder.path,
        ...limits,
      })
      const channel = await this.#connect(sandbox, folder)
      return new ShimWorker(this.#parts, sandbox, folder, channel, limits)
    } catch (error) {
      await folder.remove()
      throw error
    }
  }

  async startImage(revision: Revision): Promise<PoolWorker> {
    const { engine, clock, startTimeoutMs, maxResultBytes } = this.#parts
    const port = revision.port ?? 8080
    let worker: HttpImageWorker | null = null
    const spec = this.#imageSpec(revision, { PORT: String(port) })
    const sandbox = await engine.start(spec, (stream, text) => worker?.print(stream, text))
    const address = await sandbox.address(port).catch(async (error: unknown) => {
      await sandbox.kill()
      throw error
    })
    const ready = await Promise.race([listens(address, clock, startTimeoutMs), sandbox.exited.then(() => false)])
    if (!ready) {
      await sandbox.kill()
      throw new FaasError(
        'engine_failed',
        `The image ${revision.image} did not listen on port ${port} within ${startTimeoutMs / 1000} s.`,
      )
    }
    const { memoryBytes } = revision
    worker = new HttpImageWorker(sandbox, address, { clock, memoryBytes, maxResultBytes })
    return worker
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    const { engine, clock } = this.#parts
    const startedAt = clock.elapsed()
    const { timeoutMs } = revision
    const spec = { ...this.#imageSpec(revision, {}), args: argumentsOf(call), timeoutMs }
    try {
      const { exit, timedOut: missed } = await engine.runToEnd(spec, (stream, text) => call.onLog(stream, text))
      const runMs = clock.elapsed() - startedAt
      if (missed) return timedOut(timeoutMs, runMs)
      if (exit.code !== 0) return killed(exit, revision.memoryBytes, runMs)
      return {
        kind: 'returned',
        value: { kind: 'json', body: Buffer.from('null') },
        runMs,
        cpuMs: null,
        memoryPeakMb: null,
      }
    } catch (error) {
      return platformFailed(
        error instanceof FaasError ? error.message : errorTypes.platform,
        clock.elapsed() - startedAt,
      )
    }
  }

  #imageSpec(revision: Revision, extra: Record<string, string>): SandboxSpec {
    const { image, memoryBytes, cpuMillicpu, cpuMaxMillicpu, network, trusted } = revision
    const env = { ...revision.env, ...extra }
    const name = this.#parts.newName()
    return { name, image, command: null, env, network, trusted, folder: null, memoryBytes, cpuMillicpu, cpuMaxMillicpu }
  }

  /** The shim's connection with its hello; what does not come in time is ended. */
  async #connect(sandbox: Sandbox, folder: WorkerFolder): Promise<Channel> {
    const { clock, startTimeoutMs } = this.#parts
    const late = new Promise<'late'>((resolve) => {
      clock.after(startTimeoutMs, () => resolve('late'))
    })
    const ended = sandbox.exited.then(() => 'ended' as const)
    const socket = await Promise.race([folder.connection(), ended, late])
    const channel = typeof socket === 'string' ? null : new Channel(socket)
    const hello = channel && (await Promise.race([channel.workerFrame(() => {}), ended, late]))
    if (channel !== null && hello !== null && typeof hello === 'object' && hello.type === FrameType.hello)
      return channel
    channel?.close()
    const inTime = socket === 'late' || hello === 'late' ? ` within ${startTimeoutMs / 1000} s` : ''
    const { code } = socket === 'ended' || hello === 'ended' ? await sandbox.exited : { code: null }
    await sandbox.kill()
    const how = code === null ? '' : `: it ended with code ${code}`
    throw new FaasError(
      'engine_failed',
      `Worker ${sandbox.name} started, but its shim did not say hello${inTime}${how}.`,
    )
  }
}

/** Plain text is split at white space, as Qinling did; a JSON object is one argument. */
function argumentsOf(call: Call): string[] {
  const text = call.input.body.toString('utf8').trim()
  if (call.input.kind === 'none' || text === '') return []
  return text.startsWith('{') ? [text] : text.split(/\s+/)
}
