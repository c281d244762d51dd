import { readdirSync, readFileSync } from 'node:fs'
import { type Finding, ok, warning } from '../../../domain/finding.ts'
import type { Log } from '../../../domain/log.ts'
import type { NetworkOptions } from './container-options.ts'
import type { DockerClient } from './docker-client.ts'
import { Firewall } from './firewall.ts'

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

  private constructor(docker: DockerClient, { instance, egressAllow, maxWorkerConnections }: EgressOptions, log: Log) {
    this.name = networkName(instance)
    this.#docker = docker
    this.#log = log
    const bridge = bridgeName(instance)
    this.#firewall = new Firewall({ instance, bridge, allow: egressAllow, maxConnections: maxWorkerConnections })
  }

  static async make(docker: DockerClient, options: EgressOptions, log: Log): Promise<EgressNetwork> {
    const network = new EgressNetwork(docker, options, log)
    await docker.ensureNetwork(networkOptions(options.instance, hostMtu()))
    await network.guard()
    return network
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

const networkName = (instance: string): string => `taibai-${instance}`

/** An interface has at most 15 characters. */
const bridgeName = (instance: string): string => `tb-${instance.slice(-12)}`

export function networkOptions(instance: string, mtu: number): NetworkOptions {
  return {
    Name: networkName(instance),
    Driver: 'bridge',
    EnableIPv6: false,
    Labels: { 'io.taibai.network': instance },
    Options: {
      'com.docker.network.bridge.name': bridgeName(instance),
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
  if (/^(lo|docker|br-|veth|virbr|taibai|tb-)/.test(name)) return false
  return readFileSync(`/sys/class/net/${name}/operstate`, 'utf8').trim() !== 'down'
}
