import type { EngineReport } from '../../../domain/platform/engine-report.ts'
import { EngineApi } from '../../api/engine-api.ts'
import { fetchEngineReport, type InfoAnswer, isPodman, type VersionAnswer } from '../../api/engine-report.ts'
import { ContainerClient } from './container-client.ts'
import { askEngine, engineFailed, readLines, streamMs } from './engine-answers.ts'
import { ImageClient } from './image-client.ts'
import { NetworkClient } from './network-client.ts'

/** A running engine answers the first ping at once; one that hangs must neither delay the start nor count as up. */
const firstAnswerMs = 10_000

/** Translates the engine's errors into FaasErrors. */
export async function connectDocker(host: string | undefined, certFolder?: string): Promise<DockerClient> {
  const api = new EngineApi(host, certFolder)
  const version = await api
    .ask<VersionAnswer>('GET', '/version', {}, undefined, firstAnswerMs)
    .catch((cause: unknown) => {
      throw engineFailed('The Docker engine does not answer. Is it running, and may this user reach it?', cause)
    })
  return new DockerClient(api, version.Version ?? 'unknown', isPodman(version))
}

export interface ContainerEvent {
  action: string
  id: string
  attributes: Record<string, string>
}

/** The engine's API as sandboxes need it. */
export class DockerClient {
  readonly api: EngineApi
  readonly version: string
  readonly isPodman: boolean
  readonly containers: ContainerClient
  readonly images: ImageClient
  readonly networks: NetworkClient

  constructor(api: EngineApi, version: string, isPodman: boolean) {
    this.api = api
    this.version = version
    this.isPodman = isPodman
    this.containers = new ContainerClient(api)
    this.images = new ImageClient(api)
    this.networks = new NetworkClient(api)
  }

  /** Rejects when the engine does not answer. */
  async ping(): Promise<void> {
    await this.api.ask('GET', '/version', {}, undefined, firstAnswerMs)
  }

  /**
   * Streams events of the labelled containers until the returned function is called. Resolves when the stream is open; calls
   * `onEnd` when it breaks.
   */
  async events(label: string, onEvent: (event: ContainerEvent) => void, onEnd: () => void): Promise<() => void> {
    const filters = JSON.stringify({ type: ['container'], label: [label], event: ['kill', 'die', 'oom', 'destroy'] })
    const stream = await askEngine('follow events', () =>
      this.api.stream('GET', '/events', { filters }, { timeoutMs: streamMs }),
    )
    readLines<EventLine>(stream, (line) => onEvent(eventOf(line)))
    stream.once('close', onEnd)
    return () => stream.destroy()
  }

  /** The engine's report about itself. */
  report(): Promise<EngineReport> {
    return askEngine('say what it is', () => fetchEngineReport(this.api, firstAnswerMs))
  }

  /** The engine's raw info; empty when it does not answer. */
  info(): Promise<InfoAnswer> {
    return this.api.ask<InfoAnswer>('GET', '/info').catch(() => ({}))
  }

  close(): void {
    this.api.close()
  }
}

interface EventLine {
  Action?: string
  Actor?: { ID?: string; Attributes?: Record<string, string> }
}

const eventOf = ({ Action, Actor }: EventLine): ContainerEvent => {
  return { action: Action ?? '', id: Actor?.ID ?? '', attributes: Actor?.Attributes ?? {} }
}
