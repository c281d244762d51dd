import { connect } from 'node:net'
import { engineAddress } from '../../api/engine-address.ts'

const connectMs = 5000

/** Our own address on the route to an engine on another machine; null: the engine is local, or not reached over TCP. */
export function addressTowards(host: string | undefined): Promise<string | null> {
  const { options } = engineAddress(host)
  if (options.socketPath !== undefined || options.createConnection !== undefined) return Promise.resolve(null)
  return new Promise((resolve) => {
    const socket = connect({ host: String(options.host), port: Number(options.port), timeout: connectMs })
    const done = (address: string | undefined) => {
      socket.destroy()
      const plain = address?.replace(/^::ffff:/, '')
      resolve(plain === undefined || plain.startsWith('127.') || plain.includes(':') ? null : plain)
    }
    socket.once('connect', () => done(socket.localAddress))
    socket.once('error', () => done(undefined)).once('timeout', () => done(undefined))
  })
}
