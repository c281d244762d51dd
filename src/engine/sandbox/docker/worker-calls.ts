import { FaasError } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { keyFile, keyFolder } from '../container/container-paths.ts'
import { isLinkEncrypted, type LinkTls } from '../container/link-tls.ts'
import type { SandboxSpec, WorkerCallers } from '../sandbox.ts'
import type { DockerClient } from './docker-client.ts'
import { EgressNetwork, type EgressOptions } from './egress-network.ts'
import { desktopHost, type LinkAddress } from './link-address.ts'
import { type PairNetwork, PairNetworks } from './pair-networks.ts'

/** What a container gets so that it and the server reach each other. */
export interface WorkerConnection {
  env: Record<string, string>
  /** Network that it joins before it starts. */
  pair: PairNetwork | null
}

const nothing: WorkerConnection = { env: {}, pair: null }

interface CallsParts {
  docker: DockerClient
  options: EgressOptions
  egress: EgressNetwork
  /** Id of the server's own container, when it has a network of its own. */
  ownContainer: string | null
  linkTls: LinkTls
  log: Log
}

/** Connections between workers and the server when they share no disk, or not even a machine. */
export class WorkerCalls {
  readonly callers: WorkerCallers | undefined
  readonly closed: EgressNetwork | null
  readonly extraHosts: string[]
  #place: LinkAddress
  #egress: EgressNetwork
  #docker: DockerClient
  #pairs: PairNetworks | null
  /** `host:port` of the server for workers with egress, and for those without. */
  #servers = { egress: '', none: '' }

  private constructor(place: LinkAddress, closed: EgressNetwork | null, listenOn: string[], parts: CallsParts) {
    const { docker, options, ownContainer, linkTls } = parts
    this.#place = place
    this.#docker = docker
    this.#egress = parts.egress
    this.closed = closed
    this.extraHosts = place.kind === 'address' && place.host === desktopHost ? [`${desktopHost}:host-gateway`] : []
    this.#pairs = ownContainer === null ? null : new PairNetworks(docker, options.instance, ownContainer)
    const port = place.kind === 'address' ? place.port : 0
    if (place.kind === 'folder') return
    const staysHere = place.kind !== 'address' || place.host === desktopHost
    this.callers = {
      listenOn: listenOn.map((host) => ({ host, port })),
      staysHere,
      isEncrypted: isLinkEncrypted(linkTls, staysHere),
      listening: (ports) => this.#listening(ports),
    }
  }

  static async make(place: LinkAddress, parts: CallsParts): Promise<WorkerCalls> {
    const { docker, options, egress, log } = parts
    if (place.kind === 'gateway') {
      const closed = await EgressNetwork.makeClosed(docker, options, log)
      const gateways = await Promise.all([egress.gateway(), closed.gateway()])
      return new WorkerCalls(place, closed, gateways.map(String), parts)
    }
    if (place.kind === 'address') log.warn({}, cannotClose)
    return new WorkerCalls(place, null, place.kind === 'address' ? [place.listenOn] : ['0.0.0.0'], parts)
  }

  /**
   * Prepares the connection of a container that is about to be created. The result must be given back when the container is gone.
   */
  async reach({ key, network, isReached, reachesApi }: SandboxSpec): Promise<WorkerConnection> {
    const usesPair =
      this.#pairs !== null && (isReached || reachesApi || (key !== undefined && this.#place.kind === 'pair'))
    if (key === undefined && !usesPair) return nothing
    if (network === 'none' && this.#place.kind === 'address') throw new FaasError('not_supported', `${cannotClose}.`)
    const pair = usesPair && this.#pairs !== null ? await this.#pairs.take() : null
    if (key === undefined) return { env: {}, pair }
    const server = pair === null ? this.#servers[network] : `${pair.serverAddress}:${this.#servers.egress}`
    return { env: { TAIBAI_SERVER: server, TAIBAI_KEY: `${keyFolder}/${keyFile}` }, pair }
  }

  /** True when the server is a container of this engine, so that each worker shares a network with it. */
  get usesPairs(): boolean {
    return this.#pairs !== null
  }

  /** Port at the gateway of their network to which workers connect; null: they do not. */
  get linkPort(): number | null {
    return this.#place.kind === 'gateway' ? Number(this.#servers.egress.split(':')[1]) : null
  }

  release({ pair }: WorkerConnection): void {
    if (pair !== null) this.#pairs?.release(pair)
  }

  /** Called between creation and start of the container. */
  async prepare(container: string, { key, network }: SandboxSpec, { pair }: WorkerConnection): Promise<void> {
    if (pair !== null && network === 'egress') await this.#docker.networks.join(pair.name, container)
    if (key !== undefined) await this.#docker.containers.putFile(container, keyFolder, keyFile, key)
  }

  async guard(): Promise<void> {
    await this.closed?.guard()
  }

  async removeLeftovers(): Promise<void> {
    await this.#pairs?.removeLeftovers()
  }

  async close(): Promise<void> {
    await Promise.all([this.closed?.remove(), this.#pairs?.close()])
  }

  async #listening(ports: number[]): Promise<void> {
    const [port = 0, closedPort = port] = ports
    const place = this.#place
    if (place.kind === 'address') this.#servers = { egress: `${place.host}:${port}`, none: `${place.host}:${port}` }
    // Each pair network has its own address of the server.
    if (place.kind === 'pair') this.#servers = { egress: String(port), none: String(port) }
    if (place.kind !== 'gateway') return
    const [open, closed] = await Promise.all([this.#egress.gateway(), this.closed?.gateway()])
    this.#servers = { egress: `${open}:${port}`, none: `${closed}:${closedPort}` }
    await this.#egress.open(port)
    await this.closed?.open(closedPort)
  }
}

const cannotClose =
  'functions with "network": "none" cannot run on this engine: it shares neither disk nor network with this server, and a worker without a network could not call it'
