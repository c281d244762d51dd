import { connect } from 'node:net'
import { type Config, readConfigWith } from '../config.ts'
import { SetupProblem } from './problem.ts'

/** Where the server listens, and the URL at which this machine reaches it. */

type Address = Pick<Config, 'host' | 'port'>

/** `over` replaces settings by name. Throws SetupProblem with a line for each invalid setting. */
export function readSettings(over: Record<string, string> = {}): Config {
  try {
    return readConfigWith(over)
  } catch (error) {
    throw new SetupProblem((error as Error).message)
  }
}

/** The URL at which this machine reaches the server. */
export function serverUrl({ host, port }: Address): string {
  const reachable = reachableHost(host)
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

export function isPortTaken({ host, port }: Address): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: reachableHost(host), port })
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

/** A wildcard address is for listening, not for connecting. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
