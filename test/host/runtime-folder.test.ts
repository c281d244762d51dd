import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashFolder } from '../../src/assets.ts'
import { readRuntimeFolders } from '../../src/host/runtime-folder.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'taibai-runtimes-'))
  write(
    'lua/runtime.json',
    JSON.stringify({ name: 'lua', image: 'taibai/lua', command: ['lua'], base: { image: 'lua:5' } }),
  )
  write('lua/shim.lua', 'print()')
  write('README.md', '')
})
afterEach(() => rmSync(root, { recursive: true }))

describe('A folder in runtimes/', () => {
  it('is a runtime when it has a runtime.json; its local base needs no packages unless it says so', () => {
    expect(readRuntimeFolders(root)).toEqual([
      {
        name: 'lua',
        folder: join(root, 'lua'),
        repository: 'taibai/lua',
        image: `taibai/lua:${hashFolder(join(root, 'lua')).slice(0, 12)}`,
        command: ['lua'],
        base: { image: 'lua:5', debian: [] },
      },
    ])
  })

  it.each([
    ['changes with its shim', 'lua/shim.lua', true],
    ['changes with a new file', 'lua/lib/more.lua', true],
    ['does not change with its template', 'lua/template/main.lua', false],
    ['does not change with its conformance function', 'lua/conformance/main.lua', false],
  ])('has a hash that %s', (_title, path, changes) => {
    const before = hashFolder(join(root, 'lua'))
    write(path, 'new')
    expect(hashFolder(join(root, 'lua')) !== before).toBe(changes)
  })
})

function write(path: string, content: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), content)
}
