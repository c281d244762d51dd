/** Size of the blocks that small pieces are put together in. */
const blockBytes = 16 * 1024

/** Many pieces as few: what is kept of a million pieces of a byte is a million bytes, and nothing of what they were cut from. */
export class GatheredBytes {
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

  /** All of it; nothing is kept. */
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
