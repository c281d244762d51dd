// How setup speaks: one line per step, plain enough for a log file.
import { styleText } from 'node:util'

/** Takes one line about what is being done now. */
export type Report = (line: string) => void

/** Reports below a step's title. */
export const detail: Report = (line) => console.log(`  ${styleText('dim', '·')} ${line}`)

export function step(title: string): void {
  console.log(`${styleText('cyan', '▸')} ${title}`)
}

export function done(line: string): void {
  console.log(`  ${styleText('green', '✓')} ${line}`)
}

export function skipped(line: string): void {
  console.log(`  ${styleText('green', '✓')} ${line} ${styleText('dim', '(skipped)')}`)
}

export function warn(line: string): void {
  console.log(`  ${styleText('yellow', '!')} ${line}`)
}
