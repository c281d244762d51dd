import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../../domain/runs/log.ts'
import { answerOn } from './connections.ts'

const lookEveryMs = 500
/** Beyond the limit, connections are cut that nobody reads; beyond this multiple of it, also those that are read slowly. */
const hardMultiple = 4

interface Unread {
  socket: Socket
  bytes: number
  isStalled: boolean
}

/** Limits the memory of all responses that wait for their callers: a caller can request much and read nothing. */
export class UnreadResponses {
  /** With what was left to read at the last look. */
  #open = new Map<Socket, number>()
  #maxBytes: number
  #log: Log
  #timer: NodeJS.Timeout

  constructor(server: Server, maxBytes: number, log: Log) {
    this.#maxBytes = maxBytes
    this.#log = log
    server.on('connection', (socket: Socket) => {
      this.#open.set(socket, 0)
      socket.once('close', () => this.#open.delete(socket))
    })
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const unread: Unread[] = []
    for (const [socket, before] of this.#open) {
      const { bytes, left } = unreadOn(socket)
      if (left === 0 && before === 0) continue
      unread.push({ socket, bytes, isStalled: before > 0 && left >= before })
      this.#open.set(socket, left)
    }
    const cut = toCut(unread, this.#maxBytes)
    for (const { socket } of cut) socket.destroy()
    if (cut.length > 0) {
      const bytes = cut.reduce((sum, one) => sum + one.bytes, 0)
      this.#log.warn({ connections: cut.length, bytes }, 'connections are cut: their callers do not read the responses')
    }
  }
}

/** The connections to cut, the largest first, until the limit is met. Pure. */
export function toCut<One extends Omit<Unread, 'socket'>>(unread: readonly One[], maxBytes: number): One[] {
  let left = unread.reduce((sum, { bytes }) => sum + bytes, 0)
  if (left <= maxBytes) return []
  const largestFirst = [...unread].sort((a, b) => b.bytes - a.bytes)
  const cut: One[] = []
  const cutWhile = (isOver: () => boolean, mayCut: (one: One) => boolean) => {
    for (const one of largestFirst) {
      if (!isOver()) return
      if (!mayCut(one)) continue
      left -= one.bytes
      cut.push(one)
    }
  }
  cutWhile(
    () => left > maxBytes,
    ({ isStalled }) => isStalled,
  )
  cutWhile(
    () => left > maxBytes * hardMultiple,
    ({ isStalled }) => !isStalled,
  )
  return cut
}

/** What a caller has still to read. `left` falls while it reads: the kernel takes a large piece in parts, of which only libuv knows. */
export function unreadOn(socket: Socket): { bytes: number; left: number } {
  const bytes = (answerOn(socket) ?? socket).writableLength
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null }
  return { bytes, left: bytes + (handle?.writeQueueSize ?? 0) }
}
