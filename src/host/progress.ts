import { styleText } from 'node:util'

/** Takes one line about what is being done now. */
export type Report = (line: string) => void

/** How longer work tells of itself: a title a step, and below it what was done about it. */
export interface Progress {
  step: Report
  detail: Report
  done: Report
  /** It was there already. */
  skipped: Report
  warn: Report
}

/** A line each, plain enough for a log file. */
export function makeProgress(print: Report): Progress {
  return {
    step: (title) => print(`${styleText('cyan', '▸')} ${title}`),
    detail: (line) => print(`  ${styleText('dim', '·')} ${line}`),
    done: (line) => print(`  ${styleText('green', '✓')} ${line}`),
    skipped: (line) => print(`  ${styleText('green', '✓')} ${line} ${styleText('dim', '(skipped)')}`),
    warn: (line) => print(`  ${styleText('yellow', '!')} ${line}`),
  }
}
