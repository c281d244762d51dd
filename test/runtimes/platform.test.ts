/** What the images bring for functions of other platforms is what the lists of versions say. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { nodePlatformFiles } from '../../scripts/vendor-platform.ts'

const runtimes = fileURLToPath(new URL('../../runtimes', import.meta.url))

test('the packages of Node.js are those that package.json names, joined; npm install and scripts/vendor-platform.ts make them', async () => {
  for (const [path, text] of Object.entries(await nodePlatformFiles())) {
    expect(readFileSync(join(runtimes, 'nodejs/platform', path), 'utf8') === text, path).toBe(true)
  }
})

test('the packages of Python are those that requirements.txt names, with their licenses', () => {
  const wanted = readFileSync(join(runtimes, 'python3/platform/requirements.txt'), 'utf8')
  const pinned = wanted.split('\n').filter((line) => line.includes('=='))
  const names = Object.keys(unzipSync(readFileSync(join(runtimes, 'python3/platform/packages.zip'))))
  const folders = pinned.map((line) => `${line.replaceAll('-', '_').replace('==', '-')}.dist-info/`)
  for (const folder of folders) {
    expect(
      names.some((name) => name.startsWith(folder) && /licen[cs]e/i.test(name)),
      folder,
    ).toBe(true)
  }
  const found = new Set(names.flatMap((name) => /^[^/]+\.dist-info\//.exec(name) ?? []))
  expect([...found].sort()).toEqual(folders.sort())
})

test('the packages of Python are found in their archive by a Python that has none of its own', () => {
  const archive = join(runtimes, 'python3/platform/packages.zip')
  const program =
    'import sys; sys.path.append(sys.argv[1]); import flask, bottle, azure.functions; print(flask.__file__)'
  const said = execFileSync('python3', ['-I', '-S', '-c', program, archive], { encoding: 'utf8' })
  expect(said.trim()).toBe(join(archive, 'flask/__init__.py'))
})
