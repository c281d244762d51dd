import type { Outcome } from '../../domain/runs/outcome.ts'

/** An image that writes to its read-only root gets only the system's error text, so we add advice. */

const systemsWords = /EROFS|read-only file ?system/i
/** Characters kept from earlier output: the error text may arrive in two pieces. */
const keptChars = 32

const remedy = 'name the folders that it writes to in "writable"'

/** Checks the output of an image. */
export class ReadOnlyRoot {
  #isShown = false
  #tail = ''

  /** True when it has printed that its root is read-only. */
  get isShown(): boolean {
    return this.#isShown
  }

  /** The line to add after the output: once, when it shows that the root is read-only; else empty. */
  lineAfter(text: string): string {
    if (this.#isShown) return ''
    this.#isShown = systemsWords.test(this.#tail + text)
    this.#tail = (this.#tail + text).slice(-keptChars)
    if (!this.#isShown) return ''
    return `${text.endsWith('\n') ? '' : '\n'}[the root of an image is read-only: ${remedy}]\n`
  }

  /** Adds the advice to the failure as well. */
  explain<T extends Outcome>(outcome: T): T {
    if (!this.#isShown || !('error' in outcome) || outcome.kind === 'platform') return outcome
    const message = `${outcome.error.message}: its root is read-only; ${remedy}`
    return { ...outcome, error: { ...outcome.error, message } }
  }
}
