import { styleText } from 'node:util'

/** Receives a line about the current work. */
export type Report = (line: string) => void

/** Reports longer work: a title for each step, and lines below it. */
export interface Progress {
  step: Report
  detail: Report
  done: Report
  /** Reports that something already existed. */
  skipped: Report
  warn: Report
}

/** Prints one line each, plain enough for a log file. */
export function makeProgress(print: Report): Progress {
  return {
    step: (title) => print(`${styleText('cyan', '▸')} ${title}`),
    detail: (line) => print(`  ${styleText('dim', '·')} ${line}`),
    done: (line) => print(`  ${styleText('green', '✓')} ${line}`),
    skipped: (line) => print(`  ${styleText('green', '✓')} ${line} ${styleText('dim', '(skipped)')}`),
    warn: (line) => print(`  ${styleText('yellow', '!')} ${line}`),
  }
}
