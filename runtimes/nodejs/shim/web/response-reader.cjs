/**
 * Parses an HTTP/1.1 response as Node writes it: heads, then a body that is chunked, has a length, or ends with the connection.
 */

const bodilessStatus = (status) => status === 204 || status === 304

class ResponseReader {
  #method
  #onHead
  #held = Buffer.alloc(0)
  /** `head`, then `chunked`, `length` or `rest`, then `over`. */
  #state = 'head'
  /** Missing bytes of a body or a chunk. */
  #left = 0

  /** `onHead({status, headers})` is called once, before any byte of the body is returned. */
  constructor(method, onHead) {
    this.#method = method
    this.#onHead = onHead
  }

  /** Whether the response would be complete if the connection ended now. */
  get isComplete() {
    return this.#state === 'over' || this.#state === 'rest'
  }

  /** The pieces of the body in these bytes. */
  *read(bytes) {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    while (this.#state === 'head') if (!this.#readHead()) return
    if (this.#state === 'chunked') yield* this.#readChunks()
    else if (this.#state === 'length') yield* this.#readLength()
    else if (this.#state === 'rest') yield this.#take(this.#held.length)
  }

  #readHead() {
    const end = this.#held.indexOf('\r\n\r\n')
    if (end < 0) return false
    const [first, ...lines] = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n')
    const status = Number(first.split(' ')[1])
    // Informational responses before the final one, such as 100 Continue.
    if (status < 200) return true
    const headers = lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ])
    const headerOf = (name) => headers.find(([one]) => one === name)?.[1]
    const isChunked = /\bchunked\b/i.test(headerOf('transfer-encoding') ?? '')
    const length = headerOf('content-length')
    if (this.#method === 'HEAD' || bodilessStatus(status)) this.#state = 'over'
    else if (isChunked) this.#state = 'chunked'
    else if (length !== undefined) this.#expect(Number(length))
    else this.#state = 'rest'
    this.#onHead({ status, headers: headers.filter(([name]) => !perConnection.has(name)) })
    return true
  }

  #expect(bytes) {
    this.#left = bytes
    this.#state = bytes > 0 ? 'length' : 'over'
  }

  *#readLength() {
    const piece = this.#take(Math.min(this.#left, this.#held.length))
    this.#left -= piece.length
    if (this.#left === 0) this.#state = 'over'
    if (piece.length > 0) yield piece
  }

  *#readChunks() {
    while (this.#held.length > 0) {
      if (this.#left === 0 && !this.#readChunkSize()) return
      if (this.#state === 'over') return
      const piece = this.#take(Math.min(this.#left, this.#held.length))
      this.#left -= piece.length
      if (piece.length > 0) yield piece
    }
  }

  /** The size line of a chunk, including the end of the previous chunk; an empty chunk is the last. */
  #readChunkSize() {
    const from = this.#held[0] === 13 ? 2 : 0
    const end = this.#held.indexOf('\r\n', from)
    if (end < 0) return false
    this.#left = Number.parseInt(this.#take(end + 2).toString('latin1', from), 16)
    if (this.#left === 0) this.#state = 'over'
    return true
  }

  #take(bytes) {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(bytes)
    return taken
  }
}

/** Headers of the connection between the application and the shim. */
const perConnection = new Set(['connection', 'keep-alive', 'transfer-encoding'])

module.exports = { ResponseReader }
