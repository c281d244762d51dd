import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const file = join(import.meta.dirname, '../../src/host/process-priority.ts')
const hasAutogroup = existsSync('/proc/self/autogroup')
const isRoot = process.getuid?.() === 0
const mayGoFirst = isRoot && spawnSync('nice', ['-n', '-1', 'true']).stderr.length === 0

/** What a process of its own says after it took precedence. */
function saidAfter(
  nice: number,
  { leads, as }: { leads: boolean; as?: number },
): { took: boolean; nice: number; session: string } {
  const code = `
    const { raisePriority } = await import(${JSON.stringify(file)})
    const took = raisePriority(${nice})
    const session = ${hasAutogroup} ? (await import('node:fs')).readFileSync('/proc/self/autogroup', 'utf8') : ''
    console.log(JSON.stringify({ took, nice: (await import('node:os')).getPriority(), session }))`
  const node = [process.execPath, '--input-type=module', '-e', code]
  const [program = '', ...args] = leads ? ['setsid', '-w', ...node] : node
  const said = execFileSync(program, args, { encoding: 'utf8', ...(as !== undefined && { uid: as, gid: as }) })
  return JSON.parse(said)
}

describe('A server that goes before other programs', () => {
  test.skipIf(!mayGoFirst)('does so with its session, when it leads one', () => {
    const { took, nice, session } = saidAfter(-7, { leads: true })
    expect({ took, nice }).toEqual({ took: true, nice: -7 })
    if (hasAutogroup) expect(session).toMatch(/nice -7\n$/)
  })

  test.skipIf(!mayGoFirst)('leaves the session of a terminal or a script as it was', () => {
    const before = hasAutogroup ? readFileSync('/proc/self/autogroup', 'utf8') : ''
    expect(saidAfter(-7, { leads: false })).toEqual({ took: true, nice: -7, session: before })
  })

  test.skipIf(!isRoot)('goes on as it was, where it may not', () => {
    expect(saidAfter(-7, { leads: true, as: 65_534 })).toMatchObject({ took: false, nice: 0 })
  })

  test('asks for nothing when it is told to be like others', () => {
    expect(saidAfter(0, { leads: true })).toMatchObject({ took: true, nice: 0 })
  })
})
