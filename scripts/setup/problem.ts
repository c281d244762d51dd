// A situation that setup expects and explains in one sentence; everything else keeps its stack trace.

export class SetupProblem extends Error {
  override name = 'SetupProblem'
}

/** Not a fault of the project: this host lacks the means, and doing without is a choice. */
export class HostProblem extends SetupProblem {
  override name = 'HostProblem'
}

/** Runs a command's main function; an expected problem becomes its sentence and exit code 1. */
export async function runCommand(main: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 1
  }
}
