/** Updates the changelog for a release: unreleased notes get the version and the date. */

const waiting = '## Not released yet'

/** Throws an Error with a sentence when there is nothing new for users. */
export function releasedChangelog(text: string, version: string, day: string): string {
  const at = text.indexOf(`${waiting}\n`)
  if (at < 0) throw new Error(`CHANGELOG.md has no section "${waiting.slice(3)}".`)
  const rest = text.slice(at + waiting.length + 1)
  if (notesOf(rest) === '') throw new Error('CHANGELOG.md tells users of nothing new: write what is.')
  return `${text.slice(0, at)}${waiting}\n\n## ${version} (${day})\n${rest}`
}

/** Text up to the next release. */
const notesOf = (text: string): string => (text.split(/^## /m)[0] ?? '').trim()

/** Throws an Error with a sentence for an invalid version, or one that is not later. */
export function checkVersion(wanted: string | undefined, current: string): string {
  const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(wanted ?? '')
  if (wanted === undefined || parts === null) throw new Error('Say which version: npm run release -- 1.2.3')
  if (!isLater(parts.slice(1).map(Number), current.split('.').map(Number))) {
    throw new Error(`${wanted} is not later than ${current}.`)
  }
  return wanted
}

function isLater(wanted: number[], current: number[]): boolean {
  for (const [at, part] of wanted.entries()) {
    const before = current[at] ?? 0
    if (part !== before) return part > before
  }
  return false
}
