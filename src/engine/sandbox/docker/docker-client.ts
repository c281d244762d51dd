import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { pack } from 'tar-stream'
import type { EngineReport } from '../../../domain/engine-report.ts'
import { FaasError } from '../../../domain/errors.ts'
import { isImageReference } from '../../../domain/image.ts'
import type { RegistrySecret } from '../../../domain/registry.ts'
import { EngineApi, EngineRefusal, type Query } from '../../api/engine-api.ts'
import { askReport, type InfoAnswer, saysPodman, type VersionAnswer } from '../../api/engine-report.ts'
import { registryHeader } from '../../api/registry-header.ts'
import { workerLabel } from '../container/inside.ts'
import type { OnOutput } from '../sandbox.ts'
import { AttachedOutput } from './attached-output.ts'
import type { ContainerOptions, ContainerState, NetworkOptions } from './container-options.ts'
import { DockerImages } from './docker-images.ts'
import type { Mount } from './own-container.ts'

/** A running engine answers the first ping at once; one that hangs must neither delay the start nor count as up. */
const firstAnswerMs = 10_000
/** Longest wait until a stream is open. */
const streamMs = 120_000
/** Interval of the checks of a program that was started in a container. */
const lookMs = 100

/** An image to build; `network`: network of its build commands. */
export interface BuiltImage {
  image: string
  args: Record<string, string>
  labels: Record<string, string>
  network: string
}

/** Translates the engine's errors into FaasErrors. */
export async function connectDocker(host: string | undefined, certFolder?: string): Promise<DockerClient> {
  const api = new EngineApi(host, certFolder)
  const version = await api
    .ask<VersionAnswer>('GET', '/version', {}, undefined, firstAnswerMs)
    .catch((cause: unknown) => {
      throw engineFailed('The Docker engine does not answer. Is it running, and may this user reach it?', cause)
    })
  return new DockerClient(api, version.Version ?? 'unknown', saysPodman(version))
}

export interface ContainerEvent {
  action: string
  id: string
  attributes: Record<string, string>
}

/** The engine's API as sandboxes need it. A container is identified by its id. */
export class DockerClient {
  #api: EngineApi
  readonly version: string
  readonly isPodman: boolean

  constructor(api: EngineApi, version: string, isPodman: boolean) {
    this.isPodman = isPodman
    this.#api = api
    this.version = version
  }

  /** Rejects when the engine does not answer. */
  async ping(): Promise<void> {
    await this.#api.ask('GET', '/version', {}, undefined, firstAnswerMs)
  }

  /** Creates a container and returns its id. */
  async create({ name, ...options }: ContainerOptions): Promise<string> {
    checkImage(options.Image)
    try {
      return (await this.#api.ask<{ Id: string }>('POST', '/containers/create', { name }, options)).Id
    } catch (cause) {
      if (statusOf(cause) === 404) {
        throw engineFailed(`The image ${options.Image} is not on this machine; build or pull it.`, cause)
      }
      throw engineFailed('The Docker engine refused to make a container.', cause)
    }
  }

  async begin(id: string): Promise<void> {
    await this.#api.ask('POST', `/containers/${id}/start`).catch((cause: unknown) => {
      throw engineFailed(
        /exchange full/.test(textOf(cause)) ? noPort : 'The Docker engine could not start a container.',
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

  /** Null: the container no longer exists; `unknown`: the engine did not answer. */
  async state(id: string): Promise<ContainerState | null | 'unknown'> {
    return this.#inspect(id).then(
      (found) => found.State,
      (error: unknown) => (isGone(error) ? null : 'unknown'),
    )
  }

  /** Delivers standard output and error as they arrive. `ended` resolves at the end of both. */
  async attach(id: string, onOutput: OnOutput): Promise<{ ended: Promise<void> }> {
    const query = { stream: '1', stdout: '1', stderr: '1' }
    const stream = await this.#ask('attach to a container', () =>
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
    const { NetworkSettings } = await this.#ask('inspect a container', () => this.#inspect(id))
    const { Networks } = NetworkSettings
    return (network === undefined ? Object.values(Networks)[0] : Networks[network])?.IPAddress || undefined
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
    await this.#ask('put files into a container', async () => {
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
    return this.#ask('take files out of a container', () =>
      this.#api.stream('GET', `/containers/${id}/archive`, { path }, { timeoutMs: streamMs }),
    )
  }

  /** Waits for a started container and returns its exit code. Rejects when the signal fires. */
  async exitCode(id: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#api.stream('POST', `/containers/${id}/wait`, { condition: 'not-running' }, { signal })
    let text = ''
    for await (const piece of answer.setEncoding('utf8')) text += piece
    return (JSON.parse(text) as { StatusCode: number }).StatusCode
  }

  async hasRunOutOfMemory(id: string): Promise<boolean> {
    const state = await this.state(id)
    return typeof state === 'object' && state !== null && state.OOMKilled
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
      (error: unknown) => statusOf(error) !== 400,
    )
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

  /** `worker`: the name in the container's label. */
  async labelled(label: string): Promise<{ worker: string; id: string }[]> {
    const query = { all: '1', filters: JSON.stringify({ label: [label] }) }
    const found = await this.#ask('list containers', () =>
      this.#api.ask<{ Id: string; Labels: Record<string, string> }[]>('GET', '/containers/json', query),
    )
    return found.map(({ Id, Labels }) => ({ worker: Labels[workerLabel] ?? '', id: Id }))
  }

  /**
   * Streams events of the labelled containers until the returned function is called. Resolves when the stream is open; calls
   * `onEnd` when it breaks.
   */
  async events(label: string, onEvent: (event: ContainerEvent) => void, onEnd: () => void): Promise<() => void> {
    const filters = JSON.stringify({ type: ['container'], label: [label], event: ['kill', 'die', 'oom', 'destroy'] })
    const stream = await this.#ask('follow events', () =>
      this.#api.stream('GET', '/events', { filters }, { timeoutMs: streamMs }),
    )
    readLines<EventLine>(stream, (line) => onEvent(eventOf(line)))
    stream.once('close', onEnd)
    return () => stream.destroy()
  }

  /** The engine's report about itself. */
  report(): Promise<EngineReport> {
    return this.#ask('say what it is', () => askReport(this.#api, firstAnswerMs))
  }

  /** The engine's raw info; empty when it does not answer. */
  info(): Promise<InfoAnswer> {
    return this.#api.ask<InfoAnswer>('GET', '/info').catch(() => ({}))
  }

  /** The mounts of a container, and whether it uses the host's network; null: the engine has no such container. */
  async placeOf(id: string): Promise<{ mounts: Mount[]; hasHostNetwork: boolean } | null> {
    type Found = { Mounts: Mount[]; HostConfig?: { NetworkMode?: string } }
    return this.#api.ask<Found>('GET', `/containers/${id}/json`).then(
      ({ Mounts, HostConfig }) => ({ mounts: Mounts, hasHostNetwork: HostConfig?.NetworkMode === 'host' }),
      (error: unknown) => (isGone(error) ? null : Promise.reject(error)),
    )
  }

  async hasImage(image: string): Promise<boolean> {
    checkImage(image)
    return this.#api.ask('GET', `/images/${image}/json`).then(
      () => true,
      () => false,
    )
  }

  /** Null: the image does not exist. */
  async labelsOf(image: string): Promise<Record<string, string> | null> {
    checkImage(image)
    return this.#api.ask<{ Config: { Labels?: Record<string, string> | null } }>('GET', `/images/${image}/json`).then(
      ({ Config }) => Config.Labels ?? {},
      () => null,
    )
  }

  /** Builds an image from a tar of a folder. Rejects with the engine's message about the failed step. */
  async buildImage(
    { image, args, labels, network }: BuiltImage,
    context: Readable,
    onOutput: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const query = {
      ...{ t: image, rm: '1', forcerm: '1', networkmode: network },
      ...{ buildargs: JSON.stringify(args), labels: JSON.stringify(labels) },
    }
    const stream = await this.#api.stream('POST', '/build', query, { upload: context, signal })
    await new Promise<void>((resolve, reject) => {
      readLines<{ stream?: string; error?: string }>(stream, ({ stream: text, error }) => {
        if (text !== undefined) onOutput(text)
        if (error === undefined) return
        onOutput(`${error}\n`)
        reject(new Error(error))
      })
      stream.once('end', resolve).once('close', () => reject(new Error('the engine broke off')))
    })
  }

  /** Pulls an image, with the owner's credentials if there are any. */
  async pull(image: string, secret: RegistrySecret | null = null): Promise<void> {
    checkImage(image)
    const failed = (cause: unknown) => engineFailed(`The image ${image} is not here and could not be pulled.`, cause)
    const query: Query = isTagged(image) ? { fromImage: image } : { fromImage: image, tag: 'latest' }
    const stream = await this.#api
      .stream('POST', '/images/create', query, registryHeader(secret))
      .catch((cause: unknown) => {
        throw failed(cause)
      })
    await new Promise<void>((resolve, reject) => {
      readLines<{ error?: string }>(stream, ({ error }) => {
        if (error !== undefined) reject(failed(new Error(error)))
      })
      stream.once('end', resolve).once('close', () => reject(failed(new Error('the engine broke off'))))
    })
  }

  images(pull: (image: string) => Promise<void>): DockerImages {
    return new DockerImages(this.#api, pull)
  }

  async ensureNetwork(options: NetworkOptions): Promise<void> {
    const filters = JSON.stringify({ name: [options.Name] })
    const found = await this.#ask('list networks', () =>
      this.#api.ask<{ Name: string }[]>('GET', '/networks', { filters }),
    )
    if (found.some((network) => network.Name === options.Name)) return
    await this.#api.ask('POST', '/networks/create', {}, options).catch((cause: unknown) => {
      if (statusOf(cause) !== 409)
        throw engineFailed(`The Docker engine could not make the network of the functions: ${textOf(cause)}`, cause)
    })
  }

  /** Address of the engine's machine on the network; undefined: none. */
  async gatewayOf(network: string): Promise<string | undefined> {
    const { IPAM } = await this.#ask('inspect a network', () =>
      this.#api.ask<{ IPAM?: { Config?: { Gateway?: string }[] } }>('GET', `/networks/${network}`),
    )
    return IPAM?.Config?.[0]?.Gateway?.split('/')[0] || undefined
  }

  /** Gateway and subnet of a bridge network. */
  async addressesOf(network: string): Promise<{ gateway: string; subnet: string }> {
    type Found = { IPAM?: { Config?: { Gateway?: string; Subnet?: string }[] } }
    const { IPAM } = await this.#ask('inspect a network', () => this.#api.ask<Found>('GET', `/networks/${network}`))
    const { Gateway = '', Subnet = '' } = IPAM?.Config?.[0] ?? {}
    if (Gateway === '' || Subnet === '') throw engineFailed(`The network ${network} has no addresses.`, undefined)
    return { gateway: Gateway.split('/')[0] as string, subnet: Subnet }
  }

  async joinNetwork(network: string, container: string): Promise<void> {
    await this.#ask('connect a container to a network', () =>
      this.#api.ask('POST', `/networks/${network}/connect`, {}, { Container: container }),
    )
  }

  async leaveNetwork(network: string, container: string): Promise<void> {
    await this.#ask('take a container from a network', () =>
      this.#api.ask('POST', `/networks/${network}/disconnect`, {}, { Container: container, Force: true }),
    )
  }

  async networksLabelled(label: string): Promise<string[]> {
    const filters = JSON.stringify({ label: [label] })
    const found = await this.#ask('list networks', () =>
      this.#api.ask<{ Name: string }[]>('GET', '/networks', { filters }),
    )
    return found.map(({ Name }) => Name)
  }

  /** Returns false when the network remains, because containers use it or the engine does not answer. */
  async removeNetwork(name: string): Promise<boolean> {
    return this.#api.ask('DELETE', `/networks/${name}`).then(
      () => true,
      (error: unknown) => statusOf(error) === 404,
    )
  }

  close(): void {
    this.#api.close()
  }

  #inspect(id: string) {
    return this.#api.ask<{
      State: ContainerState
      NetworkSettings: { Networks: Record<string, { IPAddress?: string }> }
    }>('GET', `/containers/${id}/json`)
  }

  async #ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question()
    } catch (cause) {
      throw engineFailed(`The Docker engine could not ${what}.`, cause)
    }
  }
}

/** The kernel's limit of ports of a bridge. */
const noPort =
  'The network of the functions has no port left: 1,023 containers at once are all that a bridge takes. Fewer workers have room in a smaller TAIBAI_MEMORY_BUDGET_MB.'

export const engineFailed = (message: string, cause: unknown): FaasError =>
  new FaasError('engine_failed', message, { cause })

/** The reference becomes part of a URL of the engine's API, so it is checked here again regardless of who stored it. */
function checkImage(image: string): void {
  if (isImageReference(image)) return
  throw new FaasError('engine_failed', `${JSON.stringify(image.slice(0, 100))} is not a name of a container image.`)
}

const isTagged = (image: string): boolean => image.includes('@') || image.lastIndexOf(':') > image.lastIndexOf('/')

const statusOf = (error: unknown): number | undefined => (error instanceof EngineRefusal ? error.status : undefined)

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Podman answers 500 for a container that is being removed. */
const isGone = (error: unknown): boolean =>
  statusOf(error) === 404 || (statusOf(error) === 500 && /no such container/i.test(String(error)))

/** 404: it is gone; 409: it does not run, or is being removed. */
const unlessGone = (message: string) => (cause: unknown) => {
  if (!isGone(cause) && statusOf(cause) !== 409) throw engineFailed(message, cause)
}

/** Each line is a JSON object. Other lines are skipped: what an engine sends must not end the process. */
function readLines<Line>(stream: NodeJS.ReadableStream, onLine: (line: Line) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const value = parsed(line)
      if (typeof value === 'object' && value !== null) onLine(value as Line)
    }
  })
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

interface EventLine {
  Action?: string
  Actor?: { ID?: string; Attributes?: Record<string, string> }
}

const eventOf = ({ Action, Actor }: EventLine): ContainerEvent => {
  return { action: Action ?? '', id: Actor?.ID ?? '', attributes: Actor?.Attributes ?? {} }
}
