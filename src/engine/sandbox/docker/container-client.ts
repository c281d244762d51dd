import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { pack } from 'tar-stream'
import type { EngineApi } from '../../api/engine-api.ts'
import { AttachedOutput } from '../container/attached-output.ts'
import { workerLabel } from '../container/container-paths.ts'
import type { OnOutput } from '../sandbox.ts'
import type { ContainerOptions, ContainerState } from './container-options.ts'
import {
  askEngine,
  checkImage,
  engineFailed,
  engineStatusOf,
  errorTextOf,
  isGone,
  streamMs,
  unlessGone,
} from './engine-answers.ts'
import type { Mount } from './own-container.ts'

/** Interval of the checks of a program that was started in a container. */
const lookMs = 100

/** Longest wait for a measurement: a person waits for it. */
const statsMs = 3000

/** Its details have the names of the kernel's `memory.stat`. */
interface MemoryStats {
  usage?: number
  stats?: Record<string, number>
}

/** Version 1 of control groups has totals of the group in fields of their own. */
function memoryUsedOf({ usage, stats = {} }: MemoryStats): number | null {
  const reclaimable = stats.total_inactive_file ?? stats.inactive_file ?? 0
  return usage === undefined ? null : Math.max(0, usage - reclaimable)
}

/** Containers of the engine, each named by its id. */
export class ContainerClient {
  #api: EngineApi

  constructor(api: EngineApi) {
    this.#api = api
  }

  /** Creates a container and returns its id. */
  async create({ name, ...options }: ContainerOptions): Promise<string> {
    checkImage(options.Image)
    try {
      return (await this.#api.ask<{ Id: string }>('POST', '/containers/create', { name }, options)).Id
    } catch (cause) {
      if (engineStatusOf(cause) === 404) {
        throw engineFailed(`The image ${options.Image} is not on this machine; build or pull it.`, cause)
      }
      throw engineFailed('The Docker engine refused to make a container.', cause)
    }
  }

  async begin(id: string): Promise<void> {
    await this.#api.ask('POST', `/containers/${id}/start`).catch((cause: unknown) => {
      throw engineFailed(
        /exchange full/.test(errorTextOf(cause)) ? noPort : 'The Docker engine could not start a container.',
        cause,
      )
    })
  }

  /** Returns false when the container no longer runs or is gone. */
  async kill(id: string, signal = 'SIGKILL'): Promise<boolean> {
    return this.#api.ask('POST', `/containers/${id}/kill`, { signal }).then(
      () => true,
      (cause: unknown) => {
        unlessGone('The Docker engine could not kill a container.')(cause)
        return false
      },
    )
  }

  async remove(id: string): Promise<void> {
    await this.#api
      .ask('DELETE', `/containers/${id}`, { force: '1', v: '1' })
      .catch(unlessGone('The Docker engine could not remove a container.'))
  }

  /** A container that is gone, or in that state already, is not an error. */
  async change(id: string, what: 'update' | 'pause' | 'unpause', limits?: object): Promise<void> {
    const message = `The Docker engine could not ${what} a container.`
    const ask = (): Promise<unknown> => this.#api.ask('POST', `/containers/${id}/${what}`, {}, limits)
    // runc gives up when processes do not freeze soon enough, for example on a busy machine.
    const again = (cause: unknown) => (/unable to freeze/.test(String(cause)) ? ask() : Promise.reject(cause))
    await ask()
      .catch(again)
      .catch(again)
      .catch((cause: unknown) => {
        // Some engines answer 500 in this case.
        if (!/is (not|already) paused/.test(String(cause))) unlessGone(message)(cause)
      })
  }

  /** Null: the container no longer exists; `unknown`: the engine did not answer. */
  async state(id: string): Promise<ContainerState | null | 'unknown'> {
    return this.#inspect(id).then(
      (found) => found.State,
      (error: unknown) => (isGone(error) ? null : 'unknown'),
    )
  }

  /** Memory in use, in bytes, as the engine's own command shows it; null: not known. */
  async memoryUsedBytes(id: string): Promise<number | null> {
    const query = { stream: 'false', 'one-shot': 'true' }
    const found = await this.#api
      .ask<{ memory_stats?: MemoryStats }>('GET', `/containers/${id}/stats`, query, undefined, statsMs)
      .catch(() => null)
    return memoryUsedOf(found?.memory_stats ?? {})
  }

  async hasRunOutOfMemory(id: string): Promise<boolean> {
    const state = await this.state(id)
    return typeof state === 'object' && state !== null && state.OOMKilled
  }

  /** Waits for a started container and returns its exit code. Rejects when the signal fires. */
  async exitCode(id: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#api.stream('POST', `/containers/${id}/wait`, { condition: 'not-running' }, { signal })
    let text = ''
    for await (const piece of answer.setEncoding('utf8')) text += piece
    return (JSON.parse(text) as { StatusCode: number }).StatusCode
  }

  /** Delivers standard output and error as they arrive. `ended` resolves at the end of both. */
  async attach(id: string, onOutput: OnOutput): Promise<{ ended: Promise<void> }> {
    const query = { stream: '1', stdout: '1', stderr: '1' }
    const stream = await askEngine('attach to a container', () =>
      this.#api.stream('POST', `/containers/${id}/attach`, query, { timeoutMs: streamMs }),
    )
    const output = new AttachedOutput(onOutput)
    stream.on('data', (chunk: Buffer) => output.push(chunk))
    const ended = new Promise<void>((resolve) => {
      stream.once('end', resolve).once('close', resolve)
    })
    return { ended: ended.then(() => output.end()) }
  }

  /** The container's address on that network; undefined for `network`: on its first. */
  async address(id: string, network?: string): Promise<string | undefined> {
    const { NetworkSettings } = await askEngine('inspect a container', () => this.#inspect(id))
    const { Networks } = NetworkSettings
    return (network === undefined ? Object.values(Networks)[0] : Networks[network])?.IPAddress || undefined
  }

  /** The mounts of a container, and whether it uses the host's network; null: the engine has no such container. */
  async placeOf(id: string): Promise<{ mounts: Mount[]; hasHostNetwork: boolean } | null> {
    type Found = { Mounts: Mount[]; HostConfig?: { NetworkMode?: string } }
    return this.#api.ask<Found>('GET', `/containers/${id}/json`).then(
      ({ Mounts, HostConfig }) => ({ mounts: Mounts, hasHostNetwork: HostConfig?.NetworkMode === 'host' }),
      (error: unknown) => (isGone(error) ? null : Promise.reject(error)),
    )
  }

  /** `worker`: the name in the container's label. */
  async labelled(label: string): Promise<{ worker: string; id: string }[]> {
    const query = { all: '1', filters: JSON.stringify({ label: [label] }) }
    const found = await askEngine('list containers', () =>
      this.#api.ask<{ Id: string; Labels: Record<string, string> }[]>('GET', '/containers/json', query),
    )
    return found.map(({ Id, Labels }) => ({ worker: Labels[workerLabel] ?? '', id: Id }))
  }

  /** Writes a file into a container that has not started: into a volume, since everything else is read-only. */
  async putFile(id: string, folder: string, name: string, text: string): Promise<void> {
    const tar = pack()
    // All users may read the file; none may write it, which would fill the engine's disk.
    tar.entry({ name, mode: 0o444 }, text)
    tar.finalize()
    await this.putFiles(id, folder, Readable.from(tar))
  }

  /** Like `putFile`, for the contents of a tar. */
  async putFiles(id: string, folder: string, tar: Readable): Promise<void> {
    await askEngine('put files into a container', async () => {
      const query = { path: folder }
      const answer = await this.#api.stream('PUT', `/containers/${id}/archive`, query, {
        upload: tar,
        timeoutMs: streamMs,
      })
      answer.resume()
    })
  }

  /** Returns the contents of a path as a tar. The container may have ended. */
  getFiles(id: string, path: string): Promise<Readable> {
    return askEngine('take files out of a container', () =>
      this.#api.stream('GET', `/containers/${id}/archive`, { path }, { timeoutMs: streamMs }),
    )
  }

  /** Runs a program in a running container and returns its exit code. */
  async tryInside(id: string, command: string[]): Promise<number> {
    const made = await this.#api.ask<{ Id: string }>('POST', `/containers/${id}/exec`, {}, { Cmd: command })
    await this.#api.ask('POST', `/exec/${made.Id}/start`, {}, { Detach: true })
    for (;;) {
      const { Running, ExitCode } = await this.#api.ask<{ Running: boolean; ExitCode: number | null }>(
        'GET',
        `/exec/${made.Id}/json`,
      )
      if (!Running && ExitCode !== null) return ExitCode
      await pause(lookMs, undefined, { ref: false })
    }
  }

  /**
   * Whether the engine sees this file of ours. The probe creates a container with a mount and a missing image: the engine checks
   * mounts before images. An engine that checks in the other order counts as seeing the file.
   */
  async seesFile(path: string): Promise<boolean> {
    const mount = { Type: 'bind', Source: path, Target: '/seen', ReadOnly: true }
    const body = { Image: 'taibai/no-such-image:0', HostConfig: { Mounts: [mount] } }
    return this.#api.ask('POST', '/containers/create', {}, body).then(
      () => true,
      (error: unknown) => engineStatusOf(error) !== 400,
    )
  }

  #inspect(id: string) {
    return this.#api.ask<{
      State: ContainerState
      NetworkSettings: { Networks: Record<string, { IPAddress?: string }> }
    }>('GET', `/containers/${id}/json`)
  }
}

/** The kernel's limit of ports of a bridge. */
const noPort =
  'The network of the functions has no port left: a bridge takes at most 1,023 containers at once. A smaller TAIBAI_MEMORY_BUDGET_MB allows fewer workers.'
