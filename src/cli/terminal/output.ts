import { stripVTControlCharacters, styleText } from 'node:util'

/** The output of a command: tables and sentences for people, JSON for programs. */

export interface Column<Row> {
  title: string
  value(row: Row): string | number | null | undefined
  /** Aligned to the right, for numbers. */
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
  /** False when the stream is not a terminal. */
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

  /** Width of the terminal; infinite for other streams. */
  get width(): number {
    return this.#options.stdout.columns ?? Number.POSITIVE_INFINITY
  }

  /** Prints the value as JSON for programs, or calls `show` for people. */
  value(value: unknown, show: () => void): void {
    if (this.json) this.raw(`${JSON.stringify(value, null, 2)}\n`)
    else show()
  }

  /** Prints all rows as JSON for programs; a table for people, or `none` when it would be empty. */
  rows<Row>(rows: Row[], columns: Column<Row>[], none: string): void {
    this.value(rows, () => (rows.length === 0 ? this.line(none) : this.raw(this.#table(rows, columns))))
  }

  /** Names and values, a line for each line of a value; null and undefined are left out. */
  fields(fields: [name: string, value: string | number | null | undefined][]): void {
    const shown = fields.filter(([, value]) => value !== null && value !== undefined && value !== '')
    const width = Math.max(0, ...shown.map(([name]) => name.length))
    const nextLine = `\n${' '.repeat(width)}  `
    for (const [name, value] of shown)
      this.line(`${this.style('dim', name.padEnd(width))}  ${String(value).trimEnd().replaceAll('\n', nextLine)}`)
  }

  /** Prints a line for people only. */
  line(text = ''): void {
    if (!this.json) this.raw(`${text}\n`)
  }

  raw(text: string | Uint8Array): void {
    this.#options.stdout.write(text)
  }

  /** Passes bytes through at the reader's speed. */
  async pass(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { stdout } = this.#options
    for await (const piece of pieces) {
      if (stdout.write(piece) === false)
        await new Promise<void>((resolve) => stdout.once?.('drain', resolve) ?? resolve())
    }
  }

  /** Prints to standard error, for people and programs. */
  warn(text: string): void {
    this.#options.stderr.write(`${text}\n`)
  }

  /** A status line on a terminal's standard error, which the next one replaces; elsewhere nothing. */
  progress(text: string): void {
    if (this.#options.stderr.isTTY === true) this.#options.stderr.write(`\r\u001b[2K${text}`)
  }

  style(style: Style, text: string): string {
    return this.#options.colors && this.isTerminal ? styleText(style, text, { validateStream: false }) : text
  }

  #table<Row>(rows: Row[], columns: Column<Row>[]): string {
    const cells = rows.map((row) => columns.map(({ value }) => String(value(row) ?? '–')))
    const needed = columns.map(({ title }, at) =>
      Math.max(title.length, ...cells.map((row) => lengthOf(row[at] ?? ''))),
    )
    const widths = fitted(
      needed,
      columns.map(({ title }) => title),
      this.width,
    )
    const titles = columns.map(({ title }) => this.style('bold', title))
    const lines = [titles, ...cells].map((row) =>
      row
        .map((cell, at) => padded(cut(cell, widths[at] ?? 0), widths[at] ?? 0, columns[at]?.right === true))
        .join(' '.repeat(betweenColumns))
        .trimEnd(),
    )
    return `${lines.map((line) => cut(line, this.width)).join('\n')}\n`
  }
}

const betweenColumns = 2
/** A cell of this width still says something. */
const leastWidth = 12
/** Titles of what people copy. */
const neverShortened = /^(ID|ADDRESS|URL|.* ID)$/

/** The widest columns are narrowed until the table fits, as far as they still say something. */
export function fitted(widths: number[], titles: string[], terminal: number): number[] {
  const fits = [...widths]
  const leastOf = titles.map((title, at) =>
    neverShortened.test(title) ? (widths[at] as number) : Math.max(title.length, leastWidth),
  )
  let over = fits.reduce((sum, width) => sum + width, betweenColumns * (fits.length - 1)) - terminal
  while (over > 0 && over !== Number.POSITIVE_INFINITY) {
    const spare = fits.map((width, at) => (width > (leastOf[at] as number) ? width : 0))
    const widest = spare.indexOf(Math.max(...spare))
    if (spare[widest] === 0) break
    fits[widest] = (fits[widest] as number) - 1
    over--
  }
  return fits
}

const lengthOf = (text: string): number => stripVTControlCharacters(text).length

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - lengthOf(text)))
  return right ? space + text : text + space
}

/** Shortens a line to the terminal's width with an ellipsis; colours take no width, and end as they would have. */
export function cut(line: string, width: number): string {
  if (lengthOf(line) <= width) return line
  let left = Math.max(0, width - 1)
  const kept = line.split(colorCode).map((piece, at) => {
    if (at % 2 === 1) return piece
    const shown = piece.slice(0, left)
    const isEnd = left > 0 && shown.length === left
    left -= shown.length
    return isEnd ? `${shown}…` : shown
  })
  return kept.join('')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what styleText writes
const colorCode = /(\u001b\[[0-9;]*m)/
