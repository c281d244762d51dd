import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import type Docker from 'dockerode'
import type { Container, ContainerCreateOptions, ContainerInspectInfo } from 'dockerode'
import { FaasError } from '../../../domain/errors.ts'
import { workerLabel } from './container-spec.ts'

/**
 * The only importer of dockerode, and where its errors become ours. Imported lazily: it brings gRPC and ssh along, which
 * cost a tenth of a second at start.
 */
export async function connectDocker(host: string | undefined): Promise<DockerClient> {
  const { default: Dockerode } = await import('dockerode')
  const docker = new Dockerode(addressOf(host))
  const version = await docker.version().catch((cause: unknown) => {
    throw engineFailed('The Docker engine does not answer. Is it running, and may this user reach it?', cause)
  })
  return new DockerClient(docker, version.Version)
}

function addressOf(host: string | undefined): Docker.DockerOptions {
  if (host === undefined || host === '') return { socketPath: '/var/run/docker.sock' }
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const url = new URL(host.replace(/^tcp:/, 'http:'))
  const protocol = url.protocol === 'https:' || url.port === '2376' ? 'https' : url.protocol === 'ssh:' ? 'ssh' : 'http'
  return { protocol, host: url.hostname, port: url.port || '2375' }
}

export interface ContainerEvent {
  action: string
  id: string
  attributes: Record<string, string>
}

export class DockerClient {
  #docker: Docker
  readonly version: string

  constructor(docker: Docker, version: string) {
    this.#docker = docker
    this.version = version
  }

  async create(options: ContainerCreateOptions): Promise<Container> {
    try {
      return await this.#docker.createContainer(options)
    } catch (cause) {
      if (statusOf(cause) === 404) {
        throw engineFailed(`The image ${options.Image} is not on this machine; build or pull it.`, cause)
      }
      throw engineFailed('The Docker engine refused to make a container.', cause)
    }
  }

  async begin(container: Container): Promise<void> {
    await container.start().catch((cause: unknown) => {
      throw engineFailed('The Docker engine could not start a container.', cause)
    })
  }

  /** False: it does not run any more, or is gone. */
  async kill(container: Container): Promise<boolean> {
    return container.kill().then(
      () => true,
      (cause: unknown) => {
        unlessGone('The Docker engine could not kill a container.')(cause)
        return false
      },
    )
  }

  async remove(container: Container): Promise<void> {
    await container
      .remove({ force: true, v: true })
      .catch(unlessGone('The Docker engine could not remove a container.'))
  }

  /** Null: there is no such container any more; `unknown`: the engine did not answer. */
  async state(container: Container): Promise<ContainerInspectInfo['State'] | null | 'unknown'> {
    return container.inspect().then(
      (found) => found.State,
      (error: unknown) => (statusOf(error) === 404 ? null : 'unknown'),
    )
  }

  /** Standard output and error as they come. `ended` resolves when there is no more of them. */
  async attach(
    container: Container,
    onOutput: (stream: 'stdout' | 'stderr', text: string) => void,
  ): Promise<{ ended: Promise<void> }> {
    const options = { stream: true, stdout: true, stderr: true }
    const stream = await this.#ask('attach to a container', () => container.attach(options))
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    stdout.setEncoding('utf8').on('data', (text: string) => onOutput('stdout', text))
    stderr.setEncoding('utf8').on('data', (text: string) => onOutput('stderr', text))
    this.#docker.modem.demuxStream(stream, stdout, stderr)
    stream.on('error', () => {})
    const ended = new Promise<void>((resolve) => {
      stream.once('end', resolve).once('close', resolve)
    })
    return { ended: ended.then(() => allRead(stdout, stderr)) }
  }

  async address(container: Container): Promise<string | undefined> {
    const { NetworkSettings } = await this.#ask('inspect a container', () => container.inspect())
    return Object.values(NetworkSettings.Networks)[0]?.IPAddress || undefined
  }

  /** One that is gone, or in that state already, is fine. */
  async change(container: Container, what: 'update' | 'pause' | 'unpause', limits?: object): Promise<void> {
    const message = `The Docker engine could not ${what} a container.`
    await container[what](limits ?? {}).catch((cause: unknown) => {
      // Some engines answer 500 to this.
      if (!/is (not|already) paused/.test(String(cause))) unlessGone(message)(cause)
    })
  }

  /** `worker`: the name that its label says. */
  async labelled(label: string): Promise<{ worker: string; container: Container }[]> {
    const filters = { label: [label] }
    const found = await this.#ask('list containers', () => this.#docker.listContainers({ all: true, filters }))
    return found.map(({ Id, Labels }) => ({
      worker: Labels[workerLabel] ?? '',
      container: this.#docker.getContainer(Id),
    }))
  }

  /** Events of the labelled containers, until `signal` fires. Resolves when the stream is open; `onEnd` when it breaks. */
  async events(label: string, onEvent: (event: ContainerEvent) => void, onEnd: () => void): Promise<() => void> {
    const filters = JSON.stringify({ type: ['container'], label: [label], event: ['die', 'oom', 'destroy'] })
    const stream = await this.#ask('follow events', () => this.#docker.getEvents({ filters }))
    readLines(stream, (line) => onEvent(eventOf(line)))
    stream.once('close', onEnd).on('error', () => {})
    return () => (stream as unknown as { destroy(): void }).destroy()
  }

  async hasImage(image: string): Promise<boolean> {
    return this.#docker
      .getImage(image)
      .inspect()
      .then(
        () => true,
        () => false,
      )
  }

  async pull(image: string): Promise<void> {
    const failed = (cause: unknown) => engineFailed(`The image ${image} is not here and could not be pulled.`, cause)
    const stream = await this.#docker.pull(image).catch((cause: unknown) => {
      throw failed(cause)
    })
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(stream, (error: unknown) => (error ? reject(failed(error)) : resolve()))
    })
  }

  async ensureNetwork(name: string, options: Docker.NetworkCreateOptions): Promise<void> {
    const found = await this.#ask('list networks', () => this.#docker.listNetworks({ filters: { name: [name] } }))
    if (found.some((network) => network.Name === name)) return
    await this.#docker.createNetwork(options).catch((cause: unknown) => {
      if (statusOf(cause) !== 409)
        throw engineFailed('The Docker engine could not make the network of the functions.', cause)
    })
  }

  async #ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question()
    } catch (cause) {
      throw engineFailed(`The Docker engine could not ${what}.`, cause)
    }
  }
}

export const engineFailed = (message: string, cause: unknown): FaasError =>
  new FaasError('engine_failed', message, { cause })

const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number } | null)?.statusCode

/** 404: it is gone; 409: it does not run, or is being removed. */
const unlessGone = (message: string) => (cause: unknown) => {
  const status = statusOf(cause)
  if (status !== 404 && status !== 409) throw engineFailed(message, cause)
}

/** Ends them, and resolves when what was written has been read. */
async function allRead(...streams: PassThrough[]): Promise<void> {
  await Promise.all(streams.map((stream) => finished(stream.end())))
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') onLine(line)
  })
}

function eventOf(line: string): ContainerEvent {
  const event = JSON.parse(line) as { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } }
  return { action: event.Action ?? '', id: event.Actor?.ID ?? '', attributes: event.Actor?.Attributes ?? {} }
}
