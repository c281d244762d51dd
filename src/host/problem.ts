/** A situation that preparing a host expects and explains in a sentence; everything else keeps its stack. */
export class SetupProblem extends Error {
  override name = 'SetupProblem'
}

/** Not a fault of the program: this host lacks the means, and doing without is a choice. */
export class HostProblem extends SetupProblem {
  override name = 'HostProblem'
}
