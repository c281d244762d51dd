import { readdirSync, readFileSync } from 'node:fs'
import { type Finding, ok, warning } from '../../../domain/finding.ts'
import type { Log } from '../../../domain/log.ts'
import type { NetworkOptions } from './container-options.ts'
import type { DockerClient } from './docker-client.ts'
import { Firewall } from './firewall.ts'
import type { FirewallSpec } from './firewall-rules.ts'

export interface EgressOptions {
  instance: string
  /** What is opened of what is closed to functions; see `firewall-rules.ts`. */
  egressAllow: string[]
  /** Connections of one worker at once. */
  maxWorkerConnections: number
}

/**
 * The network of the functions of one installation that may reach out: a bridge of its own where containers do not reach each
 * other, and from where neither the host's own services nor the cloud's metadata are reached. It is there while the server is.
 */
export class EgressNetwork {
  readonly name: string
  #docker: DockerClient
  #firewall: Firewall
  #log: Log
  #open: string[] = []

  #spec: FirewallSpec

  private constructor(docker: DockerClient, spec: FirewallSpec, name: string, log: Log) {
    this.name = name
    this.#docker = docker
    this.#log = log
    this.#spec = spec
    this.#firewall = new Firewall(spec)
  }

  static async make(docker: DockerClient, options: EgressOptions, log: Log): Promise<EgressNetwork> {
    const { instance, egressAllow: allow, maxWorkerConnections: maxConnections } = options
    const spec = { instance, bridge: bridgeName(instance), allow, maxConnections }
    const network = new EgressNetwork(docker, spec, networkName(instance), log)
    await docker.ensureNetwork(networkOptions(instance, hostMtu()))
    await network.guard()
    return network
  }

  /** For workers without a network that have to call the server: it leads to the engine's machine, and there to nothing else. */
  static async makeClosed(docker: DockerClient, options: EgressOptions, log: Log): Promise<EgressNetwork> {
    const { instance, maxWorkerConnections: maxConnections } = options
    const spec = { instance: `${instance}C`, bridge: `tc-${instance.slice(-12)}`, allow: [], maxConnections }
    const network = new EgressNetwork(docker, spec, `${networkName(instance)}-closed`, log)
    await docker.ensureNetwork({ ...networkOptions(instance, hostMtu(), network.name, spec.bridge), Internal: true })
    await network.guard()
    return network
  }

  /** For workers that may call the API of this server: as the one of all others, and `openServer` says what is opened. */
  static async makeForApi(docker: DockerClient, options: EgressOptions, log: Log): Promise<EgressNetwork> {
    const { instance, egressAllow: allow, maxWorkerConnections: maxConnections } = options
    const spec = { instance: `${instance}A`, bridge: `ta-${instance.slice(-12)}`, allow, maxConnections }
    const network = new EgressNetwork(docker, spec, apiNetworkName(instance), log)
    await docker.ensureNetwork(networkOptions(instance, hostMtu(), network.name, spec.bridge))
    return network
  }

  /** Name of its interface. */
  get bridge(): string {
    return this.#spec.bridge
  }

  /** Address of the engine's machine on it. */
  gateway(): Promise<string | undefined> {
    return this.#docker.gatewayOf(this.name)
  }

  /** Opens a port of the machine, where workers call. */
  async open(port: number): Promise<void> {
    this.#spec = { ...this.#spec, allow: [...this.#spec.allow, `host:${port}`] }
    this.#firewall = new Firewall(this.#spec)
    await this.guard()
  }

  /** Opens one port at one address of the machine. */
  async openServer(server: { address: string; port: number }): Promise<void> {
    this.#spec = { ...this.#spec, server }
    this.#firewall = new Firewall(this.#spec)
    await this.guard()
  }

  /** Closes what is closed to functions, now and whenever the engine was away; says so when it cannot. */
  async guard(): Promise<void> {
    this.#open = await this.#firewall.bringIn()
    for (const problem of this.#open) this.#log.warn({ network: this.name }, problem)
  }

  /** What is closed to functions, and what is not that should be. */
  findings(): Finding[] {
    if (this.#open.length === 0) return [ok('firewall', closed)]
    return this.#open.map((problem) =>
      warning('firewall', `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`, null),
    )
  }

  async remove(): Promise<void> {
    if (await this.#docker.removeNetwork(this.name)) await this.#firewall.takeOut()
  }
}

const closed =
  "The host's services and the cloud's metadata address are closed to functions, and their connections are limited."

export const apiNetworkName = (instance: string): string => `${networkName(instance)}-api`

const networkName = (instance: string): string => `taibai-${instance}`

/** An interface has at most 15 characters. */
const bridgeName = (instance: string): string => `tb-${instance.slice(-12)}`

export function networkOptions(
  instance: string,
  mtu: number,
  name = networkName(instance),
  bridge = bridgeName(instance),
): NetworkOptions {
  return {
    Name: name,
    Driver: 'bridge',
    EnableIPv6: false,
    Labels: { 'io.taibai.network': instance },
    Options: {
      'com.docker.network.bridge.name': bridge,
      'com.docker.network.bridge.enable_icc': 'false',
      'com.docker.network.driver.mtu': String(mtu),
    },
  }
}

/** The least MTU of the host's real interfaces that are up, at most 1500: larger packets would vanish. 1500 when it cannot be read. */
function hostMtu(): number {
  try {
    const names = readdirSync('/sys/class/net').filter((name) => isUplink(name))
    return Math.min(1500, ...names.map((name) => Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'))))
  } catch {
    return 1500
  }
}

function isUplink(name: string): boolean {
  if (/^(lo|docker|br-|veth|virbr|taibai|t[abc]-)/.test(name)) return false
  return readFileSync(`/sys/class/net/${name}/operstate`, 'utf8').trim() !== 'down'
}
