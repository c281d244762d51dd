import { readdirSync, readFileSync } from 'node:fs'
import { type Finding, ok, warning } from '../../../domain/platform/finding.ts'
import type { Log } from '../../../domain/runs/log.ts'
import type { NetworkOptions } from './container-options.ts'
import type { DockerClient } from './docker-client.ts'
import { Firewall } from './firewall.ts'
import type { FirewallSpec } from './firewall-rules.ts'

export interface EgressOptions {
  instance: string
  /** Exceptions from what functions may not reach; see `firewall-rules.ts`. */
  egressAllow: string[]
  /** Concurrent connections of one worker. */
  maxWorkerConnections: number
}

/**
 * The network of one installation's functions with egress: a bridge of its own on which containers do not reach each other, and
 * from which neither the host's services nor the cloud's metadata service are reachable. It exists while the server runs.
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
    await docker.networks.ensure(networkOptions(instance, hostMtu()))
    await network.guard()
    return network
  }

  /**
   * A network for workers without egress that must connect to the server: it reaches the engine's machine, and only the worker
   * link there.
   */
  static async makeClosed(docker: DockerClient, options: EgressOptions, log: Log): Promise<EgressNetwork> {
    const { instance, maxWorkerConnections: maxConnections } = options
    const spec = { instance: `${instance}C`, bridge: `tc-${instance.slice(-12)}`, allow: [], maxConnections }
    const network = new EgressNetwork(docker, spec, `${networkName(instance)}-closed`, log)
    await docker.networks.ensure({ ...networkOptions(instance, hostMtu(), network.name, spec.bridge), Internal: true })
    await network.guard()
    return network
  }

  /** A network for workers that may call the API of this server: like the egress network, plus what `openServer` opens. */
  static async makeForApi(docker: DockerClient, options: EgressOptions, log: Log): Promise<EgressNetwork> {
    const { instance, egressAllow: allow, maxWorkerConnections: maxConnections } = options
    const spec = { instance: `${instance}A`, bridge: `ta-${instance.slice(-12)}`, allow, maxConnections }
    const network = new EgressNetwork(docker, spec, apiNetworkName(instance), log)
    await docker.networks.ensure(networkOptions(instance, hostMtu(), network.name, spec.bridge))
    return network
  }

  /** Name of the bridge's interface. */
  get bridge(): string {
    return this.#spec.bridge
  }

  /** Address of the engine's machine on the network. */
  gateway(): Promise<string | undefined> {
    return this.#docker.networks.gatewayOf(this.name)
  }

  /** Opens the port of the worker link on the engine's machine. */
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

  /** Installs the firewall rules, now and whenever the engine comes back; logs when it cannot. */
  async guard(): Promise<void> {
    this.#open = await this.#firewall.bringIn()
    for (const problem of this.#open) this.#log.warn({ network: this.name }, problem)
  }

  /** Reports that the rules are in force, or each rule that is not. */
  findings(): Finding[] {
    if (this.#open.length === 0) return [ok('firewall', closed)]
    return this.#open.map((problem) =>
      warning('firewall', `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`, null),
    )
  }

  async remove(): Promise<void> {
    if (await this.#docker.networks.remove(this.name)) await this.#firewall.takeOut()
  }
}

const closed =
  "The host's services and the cloud's metadata address are closed to functions, and their connections are limited."

export const apiNetworkName = (instance: string): string => `${networkName(instance)}-api`

export const networkName = (instance: string): string => `taibai-${instance}`

/** Interface names have at most 15 characters. */
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

/**
 * The smallest MTU of the host's physical interfaces that are up, at most 1500: larger packets would be lost. 1500 when it cannot
 * be read.
 */
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
