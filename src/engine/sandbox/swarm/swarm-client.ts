import type { IncomingMessage } from 'node:http'
import { FaasError } from '../../../domain/errors.ts'
import { isImageReference } from '../../../domain/functions/image.ts'
import type { RegistrySecret } from '../../../domain/platform/registry.ts'
import { EngineApi, EngineRefusal } from '../../api/engine-api.ts'
import type { VersionAnswer } from '../../api/engine-report.ts'
import { registryHeader } from '../../api/registry-header.ts'
import { type ImageAnswer, type NodeImage, nodeImageOf } from './node-image.ts'
import type { NodeAnswer, ServiceOptions, TaskAnswer } from './service-options.ts'

/** A running manager answers at once. */
const firstAnswerMs = 10_000
/** The manager answers with the first output. */
const outputMs = 24 * 3_600_000
/** A manager that restarts must not delay the checks of the tasks. */
const lookMs = 5000

export interface SwarmFacts {
  version: string
  apiVersion: string
  /** Address at which the other nodes know the manager. */
  managerAddress: string
  /** Interval of the heartbeats of nodes. */
  heartbeatMs: number
}

interface InfoAnswer {
  Swarm?: { ControlAvailable?: boolean; NodeAddr?: string; LocalNodeState?: string }
}

export type Removable = 'services' | 'networks' | 'secrets'

/** The manager's API as tasks need it. Throws FaasError `engine_failed` with a sentence. */
export class SwarmClient {
  readonly facts: SwarmFacts
  readonly api: EngineApi

  private constructor(api: EngineApi, facts: SwarmFacts) {
    this.api = api
    this.facts = facts
  }

  static async connect(host: string | undefined): Promise<SwarmClient> {
    const api = new EngineApi(host)
    try {
      const version = await api.ask<VersionAnswer>('GET', '/version', {}, undefined, firstAnswerMs)
      const { Swarm } = await api.ask<InfoAnswer>('GET', '/info', {}, undefined, firstAnswerMs)
      if (Swarm?.ControlAvailable !== true) throw new FaasError('engine_failed', noManager)
      const swarm = await api.ask<{ Spec: { Dispatcher?: { HeartbeatPeriod?: number } } }>('GET', '/swarm')
      return new SwarmClient(api, {
        version: version.Version ?? 'unknown',
        apiVersion: version.ApiVersion ?? '1.0',
        managerAddress: Swarm.NodeAddr ?? '',
        heartbeatMs: (swarm.Spec.Dispatcher?.HeartbeatPeriod ?? usualHeartbeat) / 1e6,
      })
    } catch (cause) {
      api.close()
      if (cause instanceof FaasError) throw cause
      throw failed("The manager's Docker engine does not answer. Is it running, and may this user reach it?", cause)
    }
  }

  async ping(): Promise<void> {
    await this.api.ask('GET', '/version', {}, undefined, firstAnswerMs)
  }

  /** How nodes find the image; undefined: the manager does not have it. `isOfFunction`: it is no runtime's. */
  async nodeImage(image: string, isOfFunction = false): Promise<NodeImage | undefined> {
    // The reference becomes part of a URL of the engine's API.
    if (!isImageReference(image))
      throw new FaasError('engine_failed', `${JSON.stringify(image)} is not the name of an image.`)
    return this.api.ask<ImageAnswer>('GET', `/images/${image}/json`).then(
      (answer) => nodeImageOf(image, answer, isOfFunction),
      (cause: unknown) => unlessGone('The manager could not look for an image.', cause),
    )
  }

  async keepSecret(Name: string, text: string, Labels: Record<string, string>): Promise<string> {
    const body = { Name, Labels, Data: Buffer.from(text).toString('base64') }
    return (await this.#order<{ ID: string }>('store a secret', '/secrets/create', body)).ID
  }

  /** Returns their ids. */
  async secrets(label: string): Promise<string[]> {
    return (await this.#list<{ ID: string }[]>('/secrets', label)).map(({ ID }) => ID)
  }

  /** Returns their ids. */
  async networks(label: string): Promise<string[]> {
    return (await this.#list<{ Id: string }[]>('/networks', label)).map(({ Id }) => Id)
  }

  /** `isClosed`: it leads nowhere else. */
  async makeNetwork(Name: string, Labels: Record<string, string>, isClosed: boolean): Promise<string> {
    const options = { Name, Labels, Driver: 'overlay', ...(isClosed && { Internal: true }) }
    return (await this.#order<{ Id: string }>('make a network', '/networks/create', options)).Id
  }

  /** `secret`: as whom its node fetches the image. */
  async makeService(options: ServiceOptions, secret: RegistrySecret | null): Promise<string> {
    const { headers } = registryHeader(secret)
    return (await this.#order<{ ID: string }>('make a task', '/services/create', options, headers)).ID
  }

  /** Returns their ids. */
  async services(label: string): Promise<string[]> {
    return (await this.#list<{ ID: string }[]>('/services', label)).map(({ ID }) => ID)
  }

  /** What the service's tasks have printed, both streams in one; with what they print from now on, where it is followed. */
  output(serviceId: string, isFollowed: boolean): Promise<IncomingMessage> {
    const query = { stdout: '1', stderr: '1', tail: 'all', follow: isFollowed ? '1' : '0' }
    return this.api.stream('GET', `/services/${serviceId}/logs`, query, { timeoutMs: outputMs })
  }

  /** True: it is gone. False: something still uses it. */
  async remove(what: Removable, id: string): Promise<boolean> {
    return this.api.ask('DELETE', `/${what}/${id}`, {}, undefined, firstAnswerMs).then(
      () => true,
      (cause: unknown) => {
        if (cause instanceof EngineRefusal) return cause.status === 404
        throw failed('The manager could not remove what a worker had.', cause)
      },
    )
  }

  tasks(label: string): Promise<TaskAnswer[]> {
    return this.#list('/tasks', label)
  }

  nodes(): Promise<NodeAnswer[]> {
    return this.api.ask<NodeAnswer[]>('GET', '/nodes', {}, undefined, lookMs).catch((cause: unknown) => {
      throw failed("The swarm's manager could not say which nodes there are.", cause)
    })
  }

  close(): void {
    this.api.close()
  }

  #list<T>(path: string, label: string): Promise<T> {
    return this.api.ask<T>('GET', path, { filters: JSON.stringify({ label: [label] }) }, undefined, lookMs)
  }

  async #order<T>(what: string, path: string, body: object, headers?: Record<string, string>): Promise<T> {
    try {
      return await this.api.ask<T>('POST', path, {}, body, undefined, headers)
    } catch (cause) {
      const why = cause instanceof EngineRefusal ? `: ${cause.message}` : ''
      throw failed(`The swarm's manager could not ${what}${why}.`, cause)
    }
  }
}

/** Docker's default, in nanoseconds. */
const usualHeartbeat = 5e9

const noManager =
  'This Docker engine is not a manager of a swarm: run docker swarm init there, or set TAIBAI_DOCKER_HOST to an engine that is one.'

const failed = (message: string, cause: unknown): FaasError => new FaasError('engine_failed', message, { cause })

function unlessGone(message: string, cause: unknown): undefined {
  if (cause instanceof EngineRefusal && cause.status === 404) return undefined
  throw failed(message, cause)
}
