/** The output of one run, up to a limit of bytes; the rest is dropped, which a last line says. */
export class LogBuffer {
  #parts: string[] = []
  #bytes = 0
  #maxBytes: number
  #cut = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(text: string): void {
    if (this.#cut || text === '') return
    const bytes = Buffer.byteLength(text)
    if (this.#bytes + bytes <= this.#maxBytes) {
      this.#parts.push(text)
      this.#bytes += bytes
    } else {
      this.#cutAt(text)
    }
  }

  text(): string {
    return this.#parts.length === 1 ? (this.#parts[0] as string) : this.#parts.join('')
  }

  #cutAt(text: string): void {
    this.#cut = true
    const room = Buffer.from(text).subarray(0, this.#maxBytes - this.#bytes)
    const whole = new TextDecoder().decode(room, { stream: true })
    this.#parts.push(whole, `\n[the log is cut here: it is longer than ${this.#maxBytes} bytes]\n`)
  }
}
