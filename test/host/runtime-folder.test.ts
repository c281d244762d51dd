import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashFolder } from '../../src/assets.ts'
import { namedRuntimeFolders, readLanguages, readRuntimeFolders } from '../../src/host/runtime-folder.ts'

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

  it('has further versions of its language, each with an image of the same files, when they are asked for', () => {
    const base = { image: 'lua:4', suite: 'bookworm' }
    const versions = [{ name: 'lua4', image: 'taibai/lua4', base }]
    const own = { name: 'lua', image: 'taibai/lua', command: ['lua'], base: { image: 'lua:5' } }
    write('lua/runtime.json', JSON.stringify({ ...own, also: [{ name: 'lua-twin' }], versions }))
    expect(readRuntimeFolders(root).map(({ name }) => name)).toEqual(['lua'])
    const [lua, lua4] = readRuntimeFolders(root, ['lua4', 'lua-twin'])
    expect(lua4).toEqual({
      ...lua,
      name: 'lua4',
      repository: 'taibai/lua4',
      image: lua?.image.replace('lua:', 'lua4:'),
      base: { ...base, debian: [] },
    })
    expect(() => readRuntimeFolders(root, ['lua3'])).toThrow(
      'TAIBAI_RUNTIMES: there is no runtime lua3; the ones that can be added are lua4.',
    )
  })

  it('is found by any name of its image, of a further version too, and one that there is not is said', () => {
    const versions = [{ name: 'lua4', image: 'taibai/lua4', base: { image: 'lua:4' }, also: [{ name: 'lua4-twin' }] }]
    const own = { name: 'lua', image: 'taibai/lua', command: ['lua'], base: { image: 'lua:5' } }
    write('lua/runtime.json', JSON.stringify({ ...own, versions }))
    const found = (...names: string[]) => namedRuntimeFolders(root, names).map(({ name }) => name)
    expect(found('lua4-twin')).toEqual(['lua4'])
    expect(found('lua4', 'lua')).toEqual(['lua', 'lua4'])
    expect(() => found('lua3')).toThrow(
      'There is no runtime "lua3" that has an image of its own; choose from lua, lua4.',
    )
  })

  it('of a language that is not made for everybody is there when it is asked for, and always among the languages', () => {
    const base = { image: 'ash:1', debian: ['ash'] }
    write('ash/runtime.json', JSON.stringify({ name: 'ash', optional: true, image: 'ash', command: ['ash'], base }))
    expect(readRuntimeFolders(root).map(({ name }) => name)).toEqual(['lua'])
    expect(readRuntimeFolders(root, ['ash']).map(({ name }) => name)).toEqual(['lua', 'ash'])
    expect(readLanguages(root)).toMatchObject([{ name: 'ash', base }, { name: 'lua' }])
    expect(() => readRuntimeFolders(root, ['zsh'])).toThrow(
      'there is no runtime zsh; the ones that can be added are ash.',
    )
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
