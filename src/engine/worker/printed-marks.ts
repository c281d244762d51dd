import type { OutputMarker } from '../sandbox/sandbox.ts'

type Stream = 'stdout' | 'stderr'

interface Reached {
  number: number
  onReached(stream: Stream): void
}

const markOf = (number: number): string => `\0taibai ${number}\0\n`
const mark = /\0taibai (\d{1,15})\0\n/
const beginningOfMark = /\0(t|ta|tai|taib|taiba|taibai|taibai \d{0,15}\0?)?$/

/**
 * Marks that the server writes into an image's output and finds again: everything before a mark was printed before it was
 * written. Output arrives in arbitrary pieces; marks are removed from it.
 */
export class PrintedMarks {
  #marker: OutputMarker | null = null
  #onText: (stream: Stream, text: string) => void
  #kept: Record<Stream, string> = { stdout: '', stderr: '' }
  #put: Record<Stream, Reached[]> = { stdout: [], stderr: [] }
  #last = 0

  constructor(onText: (stream: Stream, text: string) => void) {
    this.#onText = onText
  }

  /** Marks are used only after a first one has come back through the engine. */
  use(marker: OutputMarker): void {
    const back = new Set<Stream>()
    this.#putWith(marker, (stream) => {
      back.add(stream)
      if (back.size === 2) this.#marker = marker
    })
  }

  /** Writes a mark to both streams; `onReached` is called for each stream when its mark arrives. False: marks cannot be used. */
  put(onReached: (stream: Stream) => void): boolean {
    return this.#marker !== null && this.#putWith(this.#marker, onReached)
  }

  /** A mark was lost: none are written until one has come back again. */
  doubt(): void {
    const marker = this.#marker
    this.#marker = null
    if (marker !== null) this.use(marker)
  }

  take(stream: Stream, piece: string): void {
    let text = this.#kept[stream] + piece
    for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
      this.#pass(stream, text.slice(0, found.index))
      this.#reach(stream, Number(found[1]))
      text = text.slice(found.index + found[0].length)
    }
    const keptFrom = beginningOfMark.exec(text)?.index ?? text.length
    this.#kept[stream] = text.slice(keptFrom)
    this.#pass(stream, text.slice(0, keptFrom))
  }

  /** Passes on a kept beginning: the stream has ended, so it was no mark. */
  flush(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#pass(stream, this.#kept[stream])
      this.#kept[stream] = ''
    }
  }

  #putWith(marker: OutputMarker, onReached: (stream: Stream) => void): boolean {
    const number = ++this.#last
    const streams: Stream[] = ['stdout', 'stderr']
    if (!streams.every((stream) => marker.put(stream, markOf(number)))) return false
    for (const stream of streams) this.#put[stream].push({ number, onReached })
    return true
  }

  #reach(stream: Stream, number: number): void {
    const put = this.#put[stream]
    while (put[0] !== undefined && put[0].number <= number) put.shift()?.onReached(stream)
  }

  #pass(stream: Stream, text: string): void {
    if (text !== '') this.#onText(stream, text)
  }
}
