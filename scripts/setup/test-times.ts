// Durations of the tests from vitest's JSON report: by ring, with the slowest files.

export interface TimedFile {
  /** Path of the file. */
  name: string
  startTime: number
  endTime: number
}

const longestNamed = 5

/** A line for each ring, in the order of their begin: seconds since the first test, and the total time of its files. */
export function timesOf(files: TimedFile[], rings: readonly string[]): string[] {
  const first = Math.min(...files.map(({ startTime }) => startTime))
  const byRing = Map.groupBy(files, ({ name }) => ringOf(name, rings))
  const lines = [...byRing].map(([ring, own]) => ({
    begin: Math.min(...own.map(({ startTime }) => startTime)),
    ring,
    own,
  }))
  return lines.sort((one, other) => one.begin - other.begin).map(({ ring, own }) => lineOf(ring, own, first))
}

function lineOf(ring: string, files: TimedFile[], first: number): string {
  const [begin, end] = [
    Math.min(...files.map((file) => file.startTime)),
    Math.max(...files.map((file) => file.endTime)),
  ]
  const longest = files.toSorted((one, other) => tookMs(other) - tookMs(one)).slice(0, longestNamed)
  const named = longest.map((file) => `${shortName(file.name)} ${seconds(tookMs(file))}`)
  const together = files.reduce((sum, file) => sum + tookMs(file), 0)
  return `${ring}: from ${seconds(begin - first)} to ${seconds(end - first)} s, ${files.length} files, together ${seconds(together)} s (${named.join(', ')})`
}

const tookMs = ({ startTime, endTime }: TimedFile): number => endTime - startTime
const seconds = (ms: number): string => String(Math.round(ms / 1000))
const shortName = (path: string): string => (path.split('/').at(-1) as string).replace('.test.ts', '')

/** Folders of `test` that are no ring of their own belong to `fast`. */
function ringOf(path: string, rings: readonly string[]): string {
  const folder = /\/test\/([^/]+)\//.exec(path)?.[1] ?? ''
  return rings.includes(folder) ? folder : 'fast'
}
