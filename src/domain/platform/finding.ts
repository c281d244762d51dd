/** A result of checking an installation, from the server or `taibai doctor`; the console shows it. */
export interface Finding {
  /** What was checked, such as `engine` or `backups`. */
  area: string
  /** `problem`: something does not work, or soon will not; `warning`: it works, but the operator should know. */
  state: FindingState
  /** A sentence. */
  says: string
  /** Advice as a sentence; null: none. */
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

/** The worst state; `ok` for no findings. */
export const worstOf = (findings: readonly Pick<Finding, 'state'>[]): FindingState =>
  findingStates[Math.max(0, ...findings.map(({ state }) => findingStates.indexOf(state)))] as FindingState
