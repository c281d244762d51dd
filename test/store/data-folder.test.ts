import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDataFolder } from '../../src/store/data-folder.ts'

let parent = ''
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'taibai-data-folder-'))
})
afterEach(() => rmSync(parent, { recursive: true }))

const instanceOf = (path: string): string => {
  const { instance, unlock } = openDataFolder(path)
  unlock()
  return instance
}

test('a folder that nobody can make is refused with a sentence', () => {
  const open = () => openDataFolder('/proc/nowhere/data')
  expect(open).toThrow(/^The data folder \/proc\/nowhere\/data cannot be used .*: choose another TAIBAI_DATA_DIR\.$/)
})

/** Containers and networks on the engine are told apart by it: two installations must leave each other alone. */
describe('the id of an installation', () => {
  test('is its own, whatever the path is: containers all say /data', () => {
    const path = join(parent, 'data')
    const first = instanceOf(path)
    rmSync(path, { recursive: true })
    expect(instanceOf(path)).not.toBe(first)
  })

  test('is the same after a restart, and after the folder was moved', () => {
    const first = instanceOf(join(parent, 'data'))
    expect(first).toMatch(/^[a-z0-9]{12}$/)
    expect(instanceOf(join(parent, 'data'))).toBe(first)
    renameSync(join(parent, 'data'), join(parent, 'moved'))
    expect(instanceOf(join(parent, 'moved'))).toBe(first)
  })

  test('is another for a copy of the folder, which keeps its own', () => {
    const first = instanceOf(join(parent, 'data'))
    cpSync(join(parent, 'data'), join(parent, 'copy'), { recursive: true })
    const copy = instanceOf(join(parent, 'copy'))
    expect(copy).not.toBe(first)
    expect(instanceOf(join(parent, 'copy'))).toBe(copy)
    expect(instanceOf(join(parent, 'data'))).toBe(first)
  })

  test.each(['', 'nonsense', '{}', '{"id":"../../x","folder":1}'])('is made again when its file says %s', (text) => {
    const path = join(parent, 'data')
    instanceOf(path)
    writeFileSync(join(path, 'instance.json'), text)
    const again = instanceOf(path)
    expect(again).toMatch(/^[a-z0-9]{12}$/)
    expect(instanceOf(path)).toBe(again)
  })
})
