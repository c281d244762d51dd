import { invalid } from '../errors.ts'

/** Shares of calls, from 0 to 1, by version number. */
export type Weights = Record<string, number>

/** A movable name for a function and version; resolved at each run. */
export interface Alias {
  id: string
  projectId: string
  name: string
  description: string | null
  functionId: string
  functionVersion: number
  /** Further versions that run a share of the calls; all other calls run `functionVersion`. Null: no further versions. */
  weights: Weights | null
  createdAt: number
  updatedAt: number | null
}

export interface AliasStore {
  insert(alias: Alias): void
  update(alias: Alias): void
  delete(id: string): boolean
  find(projectId: string, name: string): Alias | null
  /** Searches all projects, ordered by created_at: for admins. */
  findAnywhere(name: string): Alias[]
  list(projectId: string | null): Alias[]
  listOfFunction(functionId: string): Alias[]
}

/** The version of one call. `chance`: called on demand, returns a number from 0 up to 1. */
export function chosenVersion(
  { functionVersion, weights }: Pick<Alias, 'functionVersion' | 'weights'>,
  chance: () => number,
): number {
  if (weights === null) return functionVersion
  let left = chance()
  for (const [version, weight] of Object.entries(weights)) {
    left -= weight
    if (left < 0) return Number(version)
  }
  return functionVersion
}

/** All versions that the alias may select. */
export const versionsOf = ({ functionVersion, weights }: Pick<Alias, 'functionVersion' | 'weights'>): number[] => [
  functionVersion,
  ...Object.keys(weights ?? {}).map(Number),
]

const mostVersions = 10
/** Tolerance: sums of shares such as 0.1 are slightly too large in floating point. */
const rounding = 1e-9

/** The weights to store; null: none. Throws FaasError `invalid_request`. */
export function checkedWeights(given: Weights, functionVersion: number): Weights | null {
  const entries = Object.entries(given).sort(([a], [b]) => Number(a) - Number(b))
  if (entries.length > mostVersions)
    throw invalid(`"weights" names ${entries.length} versions; at most ${mostVersions} are possible.`)
  for (const [version, weight] of entries) {
    if (!/^(0|[1-9]\d{0,8})$/.test(version))
      throw invalid(`"weights" names ${JSON.stringify(version)}: it must be the number of a version.`)
    if (Number(version) === functionVersion) {
      throw invalid(`"weights" names version ${version}, which the alias points at: it gets the remaining share.`)
    }
    if (!(weight >= 0 && weight <= 1))
      throw invalid(`"weights" gives version ${version} ${weight}: it must be from 0 to 1.`)
  }
  const sum = entries.reduce((all, [, weight]) => all + weight, 0)
  if (sum > 1 + rounding) throw invalid(`"weights" are ${sum} together: they must be 1 at most.`)
  return entries.length === 0 ? null : Object.fromEntries(entries)
}
