import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFolder } from '../../src/assets.ts'

/** What a path of the API may have in it as it is: numbers, and parts that are built of encoded ones. */
const plain = ['version', 'version_number', 'place', 'verb']

/** Templates that are paths of the API, up to their query. */
function pathsIn(source: string): string[] {
  return [...source.matchAll(/`(\/(?:v1|fn)\/[^`?]*(?:\$\{[^`]*?\}[^`?]*)*)/g)].map(([, path = '']) => path)
}

test.each(['console', 'client'])('src/%s puts nothing into the path of an API call that is not encoded', (folder) => {
  const files = globSync(join(projectFolder, 'src', folder, '**/*.{ts,tsx}'))
  const raw = files.flatMap((file) =>
    pathsIn(readFileSync(file, 'utf8'))
      .flatMap((path) => [...path.matchAll(/\$\{((?!encodeURIComponent\()[^}`]+)\}/g)].map(([, name = '']) => name))
      .filter((name) => !plain.includes(name))
      .map((name) => `${file}: ${name}`),
  )
  expect(files.length).toBeGreaterThan(5)
  expect(raw).toEqual([])
})
