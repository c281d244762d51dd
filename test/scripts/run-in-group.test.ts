import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { projectFolder } from '../../src/assets.ts'
import { waitUntil } from '../support/wait-until.ts'

const runs = `
const { runInGroup } = await import(${JSON.stringify(join(projectFolder, 'scripts/setup/run-in-group.ts'))})
const program = 'sleep 600 & echo $!; wait'
const code = await runInGroup('sh', ['-c', program], { stdio: 'inherit' }, () => console.log('asked'))
console.log('ended with ' + code)`

test('A program that is asked to end is told once; asked again, it ends with all that it started', async () => {
  const script = spawn(process.execPath, ['--input-type=module', '-e', runs], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(script, 'exit')
  const lines = createInterface({ input: script.stdout })[Symbol.asyncIterator]()
  const line = async () => (await lines.next()).value
  const pid = Number(await line())
  script.kill('SIGTERM')
  expect(await line()).toBe('asked')
  expect(isThere(pid)).toBe(true)
  script.kill('SIGINT')
  expect(await line()).toBe('ended with 1')
  expect(await ended).toEqual([0, null])
  await waitUntil('what it started has ended', () => !isThere(pid))
})

/** One that has ended may stay in the list until somebody asks how. */
function isThere(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z'
  } catch {
    return false
  }
}
