type Stream = 'stdout' | 'stderr'

/** The line that an OpenWhisk image prints to each stream after a call's output. */
export const logMark = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'

/**
 * Finds marks in two streams that arrive in arbitrary pieces. Text is passed on at once, except for a possible beginning of a
 * mark.
 */
export class LogMarks {
  #kept: Record<Stream, string> = { stdout: '', stderr: '' }
  /** Streams whose last piece ended with a mark: the line end is still missing. */
  #isAtLineEnd = new Set<Stream>()
  #onText: (stream: Stream, text: string) => void
  #onMark: (stream: Stream) => void

  constructor(onText: (stream: Stream, text: string) => void, onMark: (stream: Stream) => void) {
    this.#onText = onText
    this.#onMark = onMark
  }

  take(stream: Stream, piece: string): void {
    let text = this.#kept[stream] + (this.#isAtLineEnd.delete(stream) ? withoutLineEnd(piece) : piece)
    for (let at = text.indexOf(logMark); at !== -1; at = text.indexOf(logMark)) {
      this.#pass(stream, text.slice(0, at))
      this.#onMark(stream)
      text = text.slice(at + logMark.length)
      if (text === '') this.#isAtLineEnd.add(stream)
      text = withoutLineEnd(text)
    }
    const keeps = lengthOfBeginning(text)
    this.#kept[stream] = text.slice(text.length - keeps)
    this.#pass(stream, text.slice(0, text.length - keeps))
  }

  /** Passes on a kept beginning: the stream has ended, so it was no mark. */
  flush(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this.#kept[stream]
      this.#kept[stream] = ''
      this.#pass(stream, text)
    }
  }

  #pass(stream: Stream, text: string): void {
    if (text !== '') this.#onText(stream, text)
  }
}

const withoutLineEnd = (text: string): string => text.replace(/^\r?\n/, '')

/** Length of the text's end that matches the beginning of a mark. */
function lengthOfBeginning(text: string): number {
  for (let length = Math.min(text.length, logMark.length - 1); length > 0; length--) {
    if (logMark.startsWith(text.slice(text.length - length))) return length
  }
  return 0
}
