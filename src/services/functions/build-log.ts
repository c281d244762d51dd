/** The stored output of a build: a long output keeps its beginning and its end, and secrets are masked. */
export class BuildLog {
  /** Limit of bytes for the beginning, and for the end. */
  #half: number
  #hidden: string[]
  #listeners = new Set<(text: string) => void>()
  #head: Buffer = empty
  #tail: Buffer[] = []
  #tailBytes = 0
  #isCut = false
  /** Text that may be the beginning of a secret. */
  #held = ''

  constructor(mostBytes: number, secrets: string[]) {
    this.#half = Math.floor(mostBytes / 2)
    const lines = secrets.flatMap((value) => value.split(/\r?\n/))
    // Longer ones first: one may contain another.
    this.#hidden = lines.filter((value) => value.length >= leastHidden).sort((a, b) => b.length - a.length)
  }

  /** Calls the listener with later output. Returns how to stop. */
  tell(listener: (text: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Processes whole lines, so that no secret is split. */
  push(text: string): void {
    this.#held += text
    const end = this.#held.length > longestLine ? this.#held.length : this.#held.lastIndexOf('\n') + 1
    this.#pass(this.#held.slice(0, end))
    this.#held = this.#held.slice(end)
  }

  end(): void {
    this.#pass(this.#held)
    this.#held = ''
  }

  get text(): string {
    const tail = Buffer.concat(this.#tail)
    if (!this.#isCut) return Buffer.concat([this.#head, tail]).toString()
    return `${this.#head}\n[…]\n${tail.subarray(-this.#half)}`
  }

  #pass(text: string): void {
    if (text === '') return
    let shown = text
    for (const value of this.#hidden) shown = shown.replaceAll(value, '***')
    for (const listener of this.#listeners) listener(shown)
    this.#keep(Buffer.from(shown))
  }

  #keep(bytes: Buffer): void {
    const room = this.#half - this.#head.length
    if (room > 0) this.#head = Buffer.concat([this.#head, bytes.subarray(0, room)])
    this.#tail.push(bytes.subarray(Math.max(0, room)))
    this.#tailBytes += Math.max(0, bytes.length - Math.max(0, room))
    if (this.#tailBytes <= this.#half) return
    this.#isCut = true
    // Shortened only when twice as long: doing it for each piece would copy most of the text every time.
    if (this.#tailBytes > 2 * this.#half) this.#shorten()
  }

  #shorten(): void {
    const kept = Buffer.from(Buffer.concat(this.#tail).subarray(-this.#half))
    this.#tail = [kept]
    this.#tailBytes = kept.length
  }
}

const empty = Buffer.alloc(0)
/** Minimum length of a masked value: shorter values occur in ordinary words. */
const leastHidden = 4
const longestLine = 16_384
