import { stripVTControlCharacters, styleText } from 'node:util'

/** What a command shows: tables and sentences for people, JSON for programs. */

export interface Column<Row> {
  title: string
  value(row: Row): string | number | null | undefined
  /** Numbers stand at the right. */
  right?: boolean
}

interface Stream {
  write(text: string | Uint8Array): unknown
  once?(event: 'drain', listener: () => void): unknown
  isTTY?: boolean
  columns?: number
}

export interface OutputOptions {
  stdout: Stream
  stderr: Stream
  json: boolean
  /** Colours, unless the stream is no terminal. */
  colors: boolean
}

type Style = Parameters<typeof styleText>[0]

export class Output {
  readonly json: boolean
  readonly isTerminal: boolean
  #options: OutputOptions

  constructor(options: OutputOptions) {
    this.#options = options
    this.json = options.json
    this.isTerminal = options.stdout.isTTY === true
  }

  /** Characters of a line; a stream that is no terminal has no end of line. */
  get width(): number {
    return this.#options.stdout.columns ?? Number.POSITIVE_INFINITY
  }

  /** For programs the value, for people what `show` prints. */
  value(value: unknown, show: () => void): void {
    if (this.json) this.raw(`${JSON.stringify(value, null, 2)}\n`)
    else show()
  }

  /** For programs all of the rows, for people a table, or a sentence when there are none. */
  rows<Row>(rows: Row[], columns: Column<Row>[], none: string): void {
    this.value(rows, () => (rows.length === 0 ? this.line(none) : this.raw(this.#table(rows, columns))))
  }

  /** Name and value below each other; what is null or undefined is left out. */
  fields(fields: [name: string, value: string | number | null | undefined][]): void {
    const shown = fields.filter(([, value]) => value !== null && value !== undefined && value !== '')
    const width = Math.max(0, ...shown.map(([name]) => name.length))
    for (const [name, value] of shown) this.line(`${this.style('dim', name.padEnd(width))}  ${value}`)
  }

  /** A line for people; programs do not get it. */
  line(text = ''): void {
    if (!this.json) this.raw(`${text}\n`)
  }

  raw(text: string | Uint8Array): void {
    this.#options.stdout.write(text)
  }

  /** Bytes as they come, no faster than whoever reads them. */
  async pass(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { stdout } = this.#options
    for await (const piece of pieces) {
      if (stdout.write(piece) === false)
        await new Promise<void>((resolve) => stdout.once?.('drain', resolve) ?? resolve())
    }
  }

  /** On standard error, for both. */
  warn(text: string): void {
    this.#options.stderr.write(`${text}\n`)
  }

  /** A line on a terminal's standard error that the next one replaces; nothing elsewhere. */
  progress(text: string): void {
    if (this.#options.stderr.isTTY === true) this.#options.stderr.write(`\r\u001b[2K${text}`)
  }

  style(style: Style, text: string): string {
    return this.#options.colors && this.isTerminal ? styleText(style, text, { validateStream: false }) : text
  }

  #table<Row>(rows: Row[], columns: Column<Row>[]): string {
    const cells = rows.map((row) => columns.map(({ value }) => String(value(row) ?? '–')))
    const widths = columns.map(({ title }, at) =>
      Math.max(title.length, ...cells.map((row) => lengthOf(row[at] ?? ''))),
    )
    const titles = columns.map(({ title }) => this.style('bold', title))
    const lines = [titles, ...cells].map((row) =>
      row
        .map((cell, at) => padded(cell, widths[at] ?? 0, columns[at]?.right === true))
        .join('  ')
        .trimEnd(),
    )
    return `${lines.map((line) => cut(line, this.width)).join('\n')}\n`
  }
}

const lengthOf = (text: string): number => stripVTControlCharacters(text).length

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - lengthOf(text)))
  return right ? space + text : text + space
}

/** A line that is longer than the terminal is wide ends with an ellipsis; one with colours is left to the terminal. */
function cut(line: string, width: number): string {
  return line.length <= width || line.includes('\u001b') ? line : `${line.slice(0, Math.max(0, width - 1))}…`
}
