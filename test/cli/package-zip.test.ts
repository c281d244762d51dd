import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ignoring, packFolder } from '../../src/cli/manifest/package-zip.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-pack-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, content = path): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), content)
}

describe('A packed folder', () => {
  test('that is empty is refused', () => {
    expect(() => packFolder(folder)).toThrow('has no files to deploy')
  })

  test('holds its files by their paths, those of node_modules too', () => {
    for (const path of ['main.mjs', 'lib/a.mjs', 'node_modules/left/index.js']) write(path)
    expect(packFolder(folder).files).toEqual(['lib/a.mjs', 'main.mjs', 'node_modules/left/index.js'])
    expect(Object.keys(unzipSync(packFolder(folder).zip))).toEqual([
      'lib/a.mjs',
      'main.mjs',
      'node_modules/left/index.js',
    ])
  })

  test('leaves out what no package needs, and what .taibaiignore names', () => {
    for (const path of [
      'main.py',
      '.git/HEAD',
      '__pycache__/main.pyc',
      '.DS_Store',
      '.env',
      'taibai.yaml',
      'notes.txt',
      'keep.txt',
    ])
      write(path)
    write('.taibaiignore', '# texts\n*.txt\n!keep.txt\n')
    expect(packFolder(folder).files).toEqual(['keep.txt', 'main.py'])
  })

  test('has the same bytes whenever it is packed', () => {
    write('main.mjs')
    const before = packFolder(folder).zip
    utimesSync(join(folder, 'main.mjs'), new Date(), new Date(2001, 1, 1))
    expect(packFolder(folder).zip.equals(before)).toBe(true)
  })

  test('keeps what may be run, and files behind links', () => {
    write('run.sh')
    chmodSync(join(folder, 'run.sh'), 0o755)
    write('plain.txt')
    symlinkSync('plain.txt', join(folder, 'link.txt'))
    const { zip, files } = packFolder(folder)
    expect(files).toEqual(['link.txt', 'plain.txt', 'run.sh'])
    // The mode stands in the upper half of each entry's external attributes, in the central directory.
    const modes = new Map<string, number>()
    for (let at = zip.indexOf('PK\u0001\u0002'); at >= 0; at = zip.indexOf('PK\u0001\u0002', at + 4)) {
      const name = zip.subarray(at + 46, at + 46 + zip.readUInt16LE(at + 28)).toString()
      modes.set(name, (zip.readUInt32LE(at + 38) >>> 16) & 0o777)
    }
    expect(Object.fromEntries(modes)).toEqual({ 'link.txt': 0o644, 'plain.txt': 0o644, 'run.sh': 0o755 })
  })
})

describe('An ignore rule', () => {
  test.each([
    ['*.log', 'a/b/x.log', true],
    ['*.log', 'a.logs', false],
    ['/dist', 'dist', true],
    ['/dist', 'a/dist', false],
    ['build/**/x', 'build/a/b/x', true],
    ['build/**/x', 'build/x', true],
    ['**/tmp', 'a/b/tmp', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['(x)', '(x)', true],
    ['# x', '# x', false],
    ['\\#*#', '#main.mjs#', true],
  ])('%s and the file %s: %s', (rule, path, isIgnored) => {
    expect(ignoring([rule])(path, false)).toBe(isIgnored)
  })

  test('that ends in a slash means folders only, and the last rule decides', () => {
    expect(ignoring(['x/'])('x', false)).toBe(false)
    expect(ignoring(['x/'])('x', true)).toBe(true)
    expect(ignoring(['x', '!x'])('x', false)).toBe(false)
    expect(ignoring(['!x', 'x'])('x', false)).toBe(true)
  })
})
