import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pathWithPython } from '../support/python-at-hand.ts'

/** Where tests look for Python: the interpreters are scripts that say where they are. */

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-python-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function python(name: string, says: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  writeFileSync(join(path, 'python3'), `#!/bin/sh\necho ${says}\n`, { mode: 0o755 })
  return path
}

test('The interpreter that a script chooses comes first', () => {
  const shims = python('shims', '/versions/3/bin/python3')
  expect(pathWithPython(`/modules:${shims}`)).toBe(`/versions/3/bin:/modules:${shims}`)
})

test('One that is no script leaves the others of its folder where they are', () => {
  const own = python('own', join(folder, 'own', 'python3'))
  expect(pathWithPython(`/modules:${own}:/bin`)).toBe(`/modules:${own}:/bin`)
})

test('Where there is none nothing changes', () => {
  expect(pathWithPython('/modules')).toBe('/modules')
})
