import type { Input } from '../command.ts'

/** Keys of a session: one key is one command, without Enter. */

const interrupt = '\u0003'
const endOfInput = '\u0004'

/** Reads keys; `ask` passes the next key to its callback. */
export class Keys {
  #input: Input
  #asked: ((key: string) => void) | null = null
  #onKey: (key: string) => void
  #listener = (piece: Buffer | string): void => {
    for (const key of String(piece)) this.#take(key)
  }

  /** Takes over the terminal; `onKey` also gets `q` for Ctrl-C and Ctrl-D. */
  constructor(input: Input, onKey: (key: string) => void) {
    this.#input = input
    this.#onKey = onKey
    input.setRawMode?.(true)
    input.on('data', this.#listener)
    input.resume()
  }

  /** Passes on the next key; an earlier `ask` is dropped. */
  ask(answer: (key: string) => void): void {
    this.#asked = answer
  }

  close(): void {
    this.#input.off('data', this.#listener)
    this.#input.setRawMode?.(false)
    this.#input.pause()
  }

  #take(key: string): void {
    if (key === interrupt || key === endOfInput) return this.#onKey('q')
    const asked = this.#asked
    this.#asked = null
    if (asked === null) this.#onKey(key)
    else asked(key)
  }
}
