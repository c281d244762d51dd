/** An expected problem while preparing a host, explained in a sentence; other errors keep their stack. */
export class SetupProblem extends Error {
  override name = 'SetupProblem'
}

/** A problem of the host, not of the program: the host lacks the means, and doing without them is a choice. */
export class HostProblem extends SetupProblem {
  override name = 'HostProblem'
}
