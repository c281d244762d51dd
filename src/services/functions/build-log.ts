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
    // Longer ones first: one may be part of another.
    this.#hidden = secrets.filter((value) => value.length >= leastHidden).sort((a, b) => b.length - a.length)
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
    return this.#dropped ? `${this.#head}\n[…]\n${this.#tail}` : this.#head + this.#tail
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
    this.#tail = this.#tail.slice(-half)
    this.#dropped = true
  }
}

/** Shorter values are found in ordinary words. */
const leastHidden = 4
const longestLine = 16_384
