import { connect } from 'node:net'
import { type Config, readConfigWith } from '../config.ts'
import { SetupProblem } from './problem.ts'

/** The server's settings as this machine sees them: where it listens, and how it is reached. */

type Address = Pick<Config, 'host' | 'port'>

/** `over`: in the place of what is set, by their names. Throws SetupProblem with a line for each setting that is wrong. */
export function readSettings(over: Record<string, string> = {}): Config {
  try {
    return readConfigWith(over)
  } catch (error) {
    throw new SetupProblem((error as Error).message)
  }
}

/** The address under which this machine reaches the server. */
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

/** "Every interface" is an address to listen on, not one to call. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
