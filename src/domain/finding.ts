/** What is found when an installation is looked over: by the server, by `taibai doctor`, and shown by the console. */
export interface Finding {
  /** What was looked at, such as `engine` or `backups`. */
  area: string
  /** `problem`: something does not work, or will not; `warning`: it works, and somebody should know. */
  state: FindingState
  /** A sentence. */
  says: string
  /** What to do about it, as a sentence; null: nothing. */
  remedy: string | null
}

export const findingStates = ['ok', 'warning', 'problem'] as const
export type FindingState = (typeof findingStates)[number]

export const ok = (area: string, says: string): Finding => ({ area, state: 'ok', says, remedy: null })
export const warning = (area: string, says: string, remedy: string | null): Finding => {
  return { area, state: 'warning', says, remedy }
}
export const problem = (area: string, says: string, remedy: string): Finding => {
  return { area, state: 'problem', says, remedy }
}

/** The worst of them; `ok` of none. */
export const worstOf = (findings: readonly Pick<Finding, 'state'>[]): FindingState =>
  findingStates[Math.max(0, ...findings.map(({ state }) => findingStates.indexOf(state)))] as FindingState
