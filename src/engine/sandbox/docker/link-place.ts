import { FaasError } from '../../../domain/errors.ts'

/** How workers and the server find each other, by what is known of the engine. */

export interface PlaceFacts {
  /** What the operator wants. */
  wish: 'auto' | 'folder' | 'tcp'
  /** `host` or `host:port`, where the operator says that workers reach the server. */
  address: string | undefined
  /** A file of the server's is there for the engine too. */
  seesOurFiles: boolean
  /** The server is a container of this very engine, on a network of its own. */
  isNeighbour: boolean
  /** Addresses of the engine's networks are addresses of the server's machine. */
  sharesNetwork: boolean
  /** The engine runs in a small machine of its own on a desktop. */
  isDesktop: boolean
  /** The server's own address on its way to an engine of another machine; null: it is not reached that way. */
  ownAddress: string | null
}

/**
 * `folder`: a folder that both see. Else workers call: `gateway`: at their network's address of the server's machine; `pair`: over a
 * network of the worker and the server alone; `address`: where `host` is.
 */
export type Place =
  | { kind: 'folder' | 'gateway' | 'pair' }
  | { kind: 'address'; host: string; port: number; listenOn: string }

/** Throws a FaasError with a sentence when workers would not find the server. */
export function placeOf(facts: PlaceFacts): Place {
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
    "The engine does not see this server's files, and how its containers reach this server is not known: set TAIBAI_LINK_ADDRESS to an address of this machine (with :PORT, if a firewall wants to know it).",
  )
}

/** What the engine is told to call the desktop in a container. */
export const desktopHost = 'host.docker.internal'

function parsed(address: string): { host: string; port: number } {
  const [host = '', port = '0'] = address.split(':')
  return { host, port: Number(port) }
}
