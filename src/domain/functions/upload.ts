/** A ZIP as it was sent. Its bytes are given away once: whoever still holds it while the package is built holds no memory. */
export class Upload {
  #bytes: Buffer | null

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Throws when they were taken before. */
  take(): Buffer {
    const bytes = this.#bytes
    if (bytes === null) throw new Error('The bytes of this upload were taken before.')
    this.#bytes = null
    return bytes
  }
}
