import { FaasError } from '../../../domain/errors.ts'

/** What is known about the engine, to decide how workers and the server connect. */

export interface LinkFacts {
  /** The operator's choice. */
  wish: 'auto' | 'folder' | 'tcp'
  /** `host` or `host:port` at which workers reach the server, if the operator set it. */
  address: string | undefined
  /** True when the engine sees a file of the server. */
  seesOurFiles: boolean
  /** True when the server is a container of this engine, on a network of its own. */
  isNeighbour: boolean
  /** True when addresses of the engine's networks are addresses of the server's machine. */
  sharesNetwork: boolean
  /** True when the engine runs in a virtual machine on a desktop. */
  isDesktop: boolean
  /** The server's own address on the route to an engine on another machine; null: not reached that way. */
  ownAddress: string | null
}

/**
 * `folder`: both see one folder. Else workers connect over TCP: `gateway`: to the server's machine at their network's gateway;
 * `pair`: over a network that only the worker and the server share; `address`: to `host`.
 */
export type LinkAddress =
  | { kind: 'folder' | 'gateway' | 'pair' }
  | { kind: 'address'; host: string; port: number; listenOn: string }

/** Throws a FaasError that says why workers would not reach the server. */
export function linkAddressOf(facts: LinkFacts): LinkAddress {
  const { wish, address, seesOurFiles, isDesktop } = facts
  if (wish === 'folder') return { kind: 'folder' }
  if (wish === 'auto' && seesOurFiles && !isDesktop) return { kind: 'folder' }
  if (address !== undefined) return { kind: 'address', ...parsed(address), listenOn: '0.0.0.0' }
  if (facts.isNeighbour) return { kind: 'pair' }
  if (isDesktop) return { kind: 'address', host: desktopHost, port: 0, listenOn: '127.0.0.1' }
  if (facts.sharesNetwork) return { kind: 'gateway' }
  const { ownAddress } = facts
  if (ownAddress !== null) return { kind: 'address', host: ownAddress, port: 0, listenOn: ownAddress }
  throw new FaasError(
    'engine_failed',
    "The engine does not see this server's files, and how its containers reach this server is not known: set TAIBAI_LINK_ADDRESS to an address of this machine (with :PORT, if a firewall needs a fixed port).",
  )
}

/** The name that Docker Desktop gives to the desktop machine inside containers. */
export const desktopHost = 'host.docker.internal'

function parsed(address: string): { host: string; port: number } {
  const [host = '', port = '0'] = address.split(':')
  return { host, port: Number(port) }
}
