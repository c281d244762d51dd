import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:http'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { FaasError } from '../../domain/errors.ts'

/** How requests reach an engine. */
export interface EngineAddress {
  protocol: 'http' | 'https'
  options: RequestOptions & { ca?: Buffer; cert?: Buffer; key?: Buffer }
}

/**
 * Parses `DOCKER_HOST`: `unix://`, `tcp://`, `http(s)://` or `ssh://`; undefined means the local socket. `certFolder` is like the
 * docker command's `DOCKER_CERT_PATH`: it holds ca.pem, cert.pem and key.pem for TLS. Throws FaasError `engine_failed` for
 * anything else.
 */
export function engineAddress(host: string | undefined, certFolder?: string): EngineAddress {
  if (host === undefined || host === '') return { protocol: 'http', options: { socketPath: '/var/run/docker.sock' } }
  if (host.startsWith('unix://')) return { protocol: 'http', options: { socketPath: host.slice('unix://'.length) } }
  const url = parsed(host)
  if (url.protocol === 'ssh:') return { protocol: 'http', options: throughSsh(url) }
  const isTls = url.protocol === 'https:' || url.port === '2376'
  const port = url.port || (isTls ? '2376' : '2375')
  const where = { host: url.hostname.replace(/^\[|\]$/g, ''), port }
  if (!isTls) return { protocol: 'http', options: where }
  return { protocol: 'https', options: { ...where, ...certificates(certFolder) } }
}

function parsed(host: string): URL {
  const known = ['tcp:', 'http:', 'https:', 'ssh:']
  const url = URL.canParse(host) ? new URL(host.replace(/^tcp:/, 'http:')) : null
  if (url !== null && known.includes(url.protocol)) return url
  throw new FaasError(
    'engine_failed',
    `${host} is not an address of an engine: write one that begins with unix://, tcp://, http://, https:// or ssh://.`,
  )
}

function certificates(folder: string | undefined): object {
  if (folder === undefined || folder === '') return {}
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name)))
  return { ca, cert, key }
}

/** Tunnels through SSH as the docker command does: the docker command on the other machine forwards requests to its engine. */
function throughSsh(url: URL): RequestOptions {
  const user = url.username === '' ? [] : ['-l', decodeURIComponent(url.username)]
  const port = url.port === '' ? [] : ['-p', url.port]
  const args = ['-T', '-o', 'BatchMode=yes', ...user, ...port, '--', url.hostname, 'docker', 'system', 'dial-stdio']
  return { host: 'engine', createConnection: () => dial(args) }
}

function dial(args: string[]): Duplex {
  const ssh = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const connection = Duplex.from({ readable: ssh.stdout, writable: ssh.stdin })
  ssh.once('error', (error) => connection.destroy(error))
  connection.once('close', () => ssh.kill())
  return connection
}
