import type { Server } from 'node:http'
import { BlockList, createServer, type Server as NetServer, type Socket } from 'node:net'

/** A second listener of the same server, for functions that may call the API, reachable from their network only. */
export class ApiListener {
  #main: { server: Server; host: string; port: number } | undefined
  #servers: NetServer[] = []
  /** Ports by address, including ones that are being opened. */
  #ports = new Map<string, Promise<number>>()

  /** Hands over the server's main listener, which gets the connections. */
  attach(server: Server, host: string, port: number): void {
    this.#main = { server, host, port }
  }

  /**
   * The port at which callers from the network (`172.18.0.0/16`) reach the server at this address of this machine; other callers
   * are disconnected. It is the server's own port number where that is free. Repeated calls return the same. Rejects with the
   * system's error.
   */
  listen(address: string, network: string): Promise<number> {
    const key = `${address} ${network}`
    const port = this.#ports.get(key) ?? this.#open(address, network)
    this.#ports.set(key, port)
    port.catch(() => this.#ports.delete(key))
    return port
  }

  async #open(address: string, network: string): Promise<number> {
    if (this.#main === undefined) throw new Error('The server does not listen yet.')
    const { server, host, port } = this.#main
    if (covers(host, address)) return port
    const guests = guestsOf(network)
    // The same socket options as those of an HTTP server in Node.js.
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
      if (guests.check(socket.remoteAddress ?? '')) server.emit('connection', socket)
      else socket.destroy()
    })
    this.#servers.push(listener)
    return listening(listener, address, port).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error
      return listening(listener, address, 0)
    })
  }

  /** Accepts no new connections. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close()
  }
}

function covers(host: string, address: string): boolean {
  if (host === '0.0.0.0' || host === '::' || host === address) return true
  return host === 'localhost' && address === '127.0.0.1'
}

function guestsOf(network: string): BlockList {
  const [base = '', bits = ''] = network.split('/')
  const guests = new BlockList()
  guests.addSubnet(base, Number(bits), 'ipv4')
  return guests
}

function listening(listener: NetServer, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(port, address, () => {
      listener.off('error', reject)
      resolve((listener.address() as { port: number }).port)
    })
  })
}
