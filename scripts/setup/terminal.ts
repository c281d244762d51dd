import { SetupProblem } from '../../src/host/problem.ts'
import { makeProgress } from '../../src/host/progress.ts'

/** Terminal output of scripts, and their exit. */

export const progress = makeProgress(console.log)

/** Runs a script's main function; a known problem prints its sentence and exits with 1. */
export async function runScript(main: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 1
  }
}
