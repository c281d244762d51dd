import { SetupProblem } from '../../src/host/problem.ts'
import { makeProgress } from '../../src/host/progress.ts'

/** How scripts speak on the terminal, and how they end. */

export const progress = makeProgress(console.log)

/** Runs a script's main function; an expected problem becomes its sentence and exit code 1. */
export async function runScript(main: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 1
  }
}
