/** The output of a build as it is kept: its beginning and its end where it is too long, and no secret in it. */
export class BuildLog {
  #most: number
  #hidden: string[]
  #onText: (text: string) => void
  #head = ''
  #tail = ''
  #dropped = false
  /** What may be the beginning of a secret. */
  #held = ''

  constructor(most: number, secrets: string[], onText: (text: string) => void = () => {}) {
    this.#most = most
    const lines = secrets.flatMap((value) => value.split(/\r?\n/))
    // Longer ones first: one may be part of another.
    this.#hidden = lines.filter((value) => value.length >= leastHidden).sort((a, b) => b.length - a.length)
    this.#onText = onText
  }

  /** By whole lines, so that no secret comes in two pieces. */
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
    if (!this.#dropped) return this.#head + this.#tail
    return `${this.#head}\n[…]\n${this.#tail.slice(-this.#most / 2)}`
  }

  #pass(text: string): void {
    if (text === '') return
    let shown = text
    for (const value of this.#hidden) shown = shown.replaceAll(value, '***')
    this.#onText(shown)
    const half = this.#most / 2
    const room = Math.max(0, half - this.#head.length)
    this.#head += shown.slice(0, room)
    this.#tail += shown.slice(room)
    if (this.#tail.length <= half) return
    this.#dropped = true
    // Not for each piece: most of it would be copied again and again.
    if (this.#tail.length > this.#most) this.#tail = this.#tail.slice(-half)
  }
}

/** Shorter values are found in ordinary words. */
const leastHidden = 4
const longestLine = 16_384
