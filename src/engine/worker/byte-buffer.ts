/** Size of the blocks in which small pieces are gathered. */
const blockBytes = 16 * 1024

/**
 * Copies many pieces into few blocks: a million pieces of one byte occupy a million bytes, and the buffers they came from are
 * released.
 */
export class ByteBuffer {
  #whole: Buffer[] = []
  #block = Buffer.alloc(0)
  #used = 0
  length = 0

  add(piece: Buffer): void {
    this.length += piece.length
    if (piece.length > this.#block.length - this.#used) this.#makeRoom(piece.length)
    piece.copy(this.#block, this.#used)
    this.#used += piece.length
  }

  /** Returns all bytes and resets. */
  take(): Buffer {
    this.#endBlock()
    const [only] = this.#whole
    const all = this.#whole.length === 1 && only !== undefined ? only : Buffer.concat(this.#whole)
    this.clear()
    return all
  }

  clear(): void {
    this.#whole = []
    this.#block = Buffer.alloc(0)
    this.#used = 0
    this.length = 0
  }

  #makeRoom(bytes: number): void {
    this.#endBlock()
    this.#block = Buffer.allocUnsafeSlow(Math.max(bytes, blockBytes))
    this.#used = 0
  }

  #endBlock(): void {
    if (this.#used > 0) this.#whole.push(this.#block.subarray(0, this.#used))
    this.#block = Buffer.alloc(0)
    this.#used = 0
  }
}
