import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { Output } from '../terminal/output.ts'
import { milliseconds } from '../terminal/table-columns.ts'
import { localPaths } from './project.ts'

/** The output of a session: lines for people, or a line of JSON per event for programs. */

type Style = Parameters<Output['style']>[0]

/** Assigned in turn to distinguish functions. */
const colours: Style[] = ['cyan', 'magenta', 'blue', 'yellow', 'green']

export interface ShownFunction {
  name: string
  code: string | null
}

export class Screen {
  #out: Output
  #now: () => number
  #from: string
  #functions: ShownFunction[] = []

  /** `from`: the folder to which shown paths are relative. */
  constructor(out: Output, now: () => number, from: string) {
    this.#out = out
    this.#now = now
    this.#from = from
  }

  functions(functions: ShownFunction[]): void {
    this.#functions = functions
  }

  /** Prints for people only. */
  line(text = ''): void {
    this.#out.line(text)
  }

  dim(text: string): void {
    this.#out.line(this.#out.style('dim', text))
  }

  event(event: string, data: object): void {
    if (this.#out.json)
      this.#out.raw(`${JSON.stringify({ event, at: new Date(this.#now()).toISOString(), ...data })}\n`)
  }

  /** `files`: the saved files; empty for the first deployment. */
  served(name: string, files: string[], ms: number): void {
    this.event('served', { function: name, files, ms: Math.round(ms) })
    const what = files.length === 0 ? 'is served' : `${filesText(files)}: the next call sees it`
    this.#say(name, '↻', `${what}  ${this.#out.style('dim', milliseconds(ms) ?? '')}`, 'cyan')
  }

  /** A failed deployment; `isThere`: the previous code stays in force. */
  refused(name: string | null, message: string, isThere: boolean): void {
    const text = this.#local(name, message.replace(/^Nothing was changed: (the code could not be loaded: )?/, ''))
    this.event('refused', { function: name, message: text, serves_before: isThere })
    const after = isThere ? '; the previous code stays in use' : ''
    this.#say(name, '✗', this.#out.style('red', `cannot be served${after}`), 'red')
    this.#below(text, 'red')
  }

  log(name: string, execution: string, text: string): void {
    this.event('log', { function: name, execution, text })
    for (const line of text.replace(/\n$/, '').split('\n')) this.#say(name, '│', line, 'dim')
  }

  /** A finished run. */
  call(name: string, row: ExecutionRow): void {
    const { id, status, trigger, start_kind, cold_reason, phases } = row
    const error = row.error === null ? null : { ...row.error, stack: this.#local(name, row.error.stack ?? '') }
    this.event('call', { function: name, execution: id, status, trigger, start_kind, cold_reason, phases, error })
    const isGood = status === 'success'
    const start = cold_reason === null ? start_kind : `${start_kind}: ${cold_reason}`
    const total = (milliseconds(phases?.total) ?? '').padStart(9)
    const parts = [start ?? status, trigger === 'http' || trigger === 'api' ? '' : trigger, phasesText(phases)]
    const about = this.#out.style('dim', parts.filter((part) => part !== '').join('  '))
    this.#say(name, isGood ? '✓' : '✗', `${total}  ${about}`, isGood ? 'green' : 'red')
    if (error === null) return
    const said = `${error.type}: ${error.message}`
    this.#below(error.stack.includes(error.message) ? error.stack : `${said}\n${error.stack}`, 'red')
  }

  clear(): void {
    this.#out.raw('\u001b[2J\u001b[3J\u001b[H')
  }

  #say(name: string | null, sign: string, text: string, style: Style): void {
    if (this.#out.json) return
    const width = Math.max(0, ...this.#functions.map((fn) => fn.name.length))
    const at = this.#functions.findIndex((fn) => fn.name === name)
    const colour = colours[Math.max(0, at) % colours.length] as Style
    const time = this.#out.style('dim', new Date(this.#now()).toTimeString().slice(0, 8))
    const who = width === 0 ? '' : `${this.#out.style(colour, (name ?? '').padEnd(width))} `
    this.#out.line(`${time} ${who}${this.#out.style(style, sign)} ${text}`)
  }

  #below(text: string, style: Style): void {
    const lines = text.trimEnd().split('\n')
    if (text.trim() !== '') for (const line of lines) this.line(this.#out.style(style, `         ${line}`))
  }

  #local(name: string | null, text: string): string {
    const fn = this.#functions.find((one) => one.name === name)
    return localPaths(text, fn?.code ?? null, this.#from)
  }
}

const filesText = ([first = '', ...others]: string[]): string =>
  others.length === 0 ? first : `${first} and ${others.length} more`

/** Phases with a duration; `load` is shown inside `acquire`. */
export function phasesText(phases: ExecutionRow['phases']): string {
  if (phases === null) return ''
  const { queue = 0, acquire = 0, load = 0, run = 0 } = phases
  const loaded = load < 0.05 ? '' : ` (load ${milliseconds(load)})`
  return [
    queue < 0.05 ? '' : `queue ${milliseconds(queue)}`,
    acquire < 0.05 && loaded === '' ? '' : `acquire ${milliseconds(acquire)}${loaded}`,
    `run ${milliseconds(run)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ')
}
