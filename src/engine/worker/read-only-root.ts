import type { Outcome } from '../../domain/outcome.ts'

/** An image that writes to its read-only root says so in the system's words only: what helps is said beside them. */

const systemsWords = /EROFS|read-only file ?system/i
/** Characters kept of what was printed before: the words may come in two pieces. */
const keptChars = 32

const remedy = 'name the folders that it writes to in "writable"'

/** Looks at what an image prints. */
export class ReadOnlyRoot {
  #isShown = false
  #tail = ''

  /** It has printed that its root is read-only. */
  get isShown(): boolean {
    return this.#isShown
  }

  /** The line to add behind what was printed: once, when it shows that the root is read-only; else nothing. */
  lineAfter(text: string): string {
    if (this.#isShown) return ''
    this.#isShown = systemsWords.test(this.#tail + text)
    this.#tail = (this.#tail + text).slice(-keptChars)
    if (!this.#isShown) return ''
    return `${text.endsWith('\n') ? '' : '\n'}[the root of an image is read-only: ${remedy}]\n`
  }

  /** A failure says it, too. */
  explain<T extends Outcome>(outcome: T): T {
    if (!this.#isShown || !('error' in outcome) || outcome.kind === 'platform') return outcome
    const message = `${outcome.error.message}: its root is read-only; ${remedy}`
    return { ...outcome, error: { ...outcome.error, message } }
  }
}
