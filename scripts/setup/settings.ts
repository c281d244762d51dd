// The server's settings as the scripts need them: where it listens, where its data is.
import { type Config, readConfig } from '../../src/config.ts'
import { SetupProblem } from './problem.ts'

export function readSettings(): Config {
  try {
    return readConfig()
  } catch (error) {
    throw new SetupProblem((error as Error).message)
  }
}

/** The address under which this machine reaches the server. */
export function serverUrl({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}
