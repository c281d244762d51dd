import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** How long a helper may take to have a connection at hand, and to say whether the image took it. */
const leadMs = 5000
const go = Buffer.of(1)

/**
 * The server's end of the way to an image on another machine. A helper beside the image keeps connections to the server ahead; each
 * is used once and leads to the image (`runtimes/nodejs/shim/bridge.cjs`). For callers the image listens on a port of loopback.
 */
export class Bridge {
  /** The helper's proof. */
  readonly key: string
  #spare: Socket[] = []
  #wanting: ((socket: Socket) => void)[] = []
  #used = new Set<Socket>()
  #server: Server | undefined
  #address: Promise<{ host: string; port: number }> | undefined
  #forget: () => void
  #isClosed = false

  /** `forget`: no further connection is taken. */
  constructor(key: string, forget: () => void) {
    this.key = key
    this.#forget = forget
  }

  /** Takes a connection of the helper. */
  take(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#isClosed) return void socket.destroy()
    const wanting = this.#wanting.shift()
    if (wanting !== undefined) return wanting(socket)
    this.#spare.push(socket)
    socket.once('close', () => {
      this.#spare = this.#spare.filter((one) => one !== socket)
    })
  }

  /** Whether the image takes connections. */
  async connects(): Promise<boolean> {
    const socket = await this.#lead()
    socket?.destroy()
    return socket !== null
  }

  /** Where the image is reached from this machine. */
  address(): Promise<{ host: string; port: number }> {
    this.#address ??= this.#listen()
    return this.#address
  }

  close(): void {
    this.#isClosed = true
    this.#forget()
    this.#server?.close()
    for (const socket of [...this.#spare, ...this.#used]) socket.destroy()
  }

  async #listen(): Promise<{ host: string; port: number }> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (caller) => void this.#join(caller))
    this.#server = server
    await once(server.listen(0, loopback), 'listening')
    const { port } = server.address() as AddressInfo
    if (this.#isClosed) server.close()
    return { host: loopback, port }
  }

  async #join(caller: Socket): Promise<void> {
    caller.on('error', () => {})
    const image = await this.#lead()
    if (image === null || caller.destroyed) {
      image?.destroy()
      return void caller.resetAndDestroy()
    }
    for (const socket of [caller, image]) this.#used.add(socket)
    caller.setNoDelay(true).pipe(image).pipe(caller)
    caller.once('close', () => image.destroy())
    image.once('close', () => caller.destroySoon())
    for (const socket of [caller, image]) socket.once('close', () => this.#used.delete(socket))
  }

  /** A connection to the image; null: it takes none. */
  async #lead(): Promise<Socket | null> {
    const socket = await this.#next()
    if (socket === null) return null
    const late = setTimeout(() => socket.destroy(), leadMs)
    const answer = await new Promise<Buffer | null>((resolve) => {
      socket.once('readable', () => resolve(socket.read(1)))
      socket.once('close', () => resolve(null))
      socket.write(go)
    })
    clearTimeout(late)
    if (answer?.[0] === 1) return socket
    socket.destroy()
    return null
  }

  #next(): Promise<Socket | null> {
    const spare = this.#spare.shift()
    if (spare !== undefined) return Promise.resolve(spare)
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#wanting = this.#wanting.filter((one) => one !== take)
        resolve(null)
      }, leadMs)
      const take = (socket: Socket) => {
        clearTimeout(late)
        resolve(socket)
      }
      this.#wanting.push(take)
    })
  }
}

const loopback = '127.0.0.1'
