import { join } from 'node:path'
import { expect, it } from 'vitest'
import { problemsOf } from '../../scripts/docs/pages.ts'

const root = join(import.meta.dirname, '../..')
const problemsIn = (text: string, path = 'docs/page.md') =>
  problemsOf({ path, text }, root, { settings: new Set(), npmScripts: new Set() })

it('Paths in code lead to a file, a folder, or with a placeholder to at least one', () => {
  const right =
    '`src/app.ts` `src/console/main.tsx` `src/engine/pool/` `src/store/<noun>s.ts` `runtimes/*/runtime.json`'
  expect(problemsIn(right)).toEqual([])
  expect(problemsIn('`src/no.ts` and `src/console/no.tsx`, `src/<noun>/no.cjs` and `src/none/`')).toEqual([
    'docs/page.md: there is no src/no.ts',
    'docs/page.md: there is no src/console/no.tsx',
    'docs/page.md: there is no src/<noun>/no.cjs',
    'docs/page.md: there is no src/none/',
  ])
})

it('A bare name of a source file needs its folder on the same page', () => {
  expect(problemsIn('`eviction.ts` of `src/engine/pool/`')).toEqual([])
  expect(problemsIn('`eviction.ts` and `pool/eviction.ts`')).toEqual([
    'docs/page.md: there is no eviction.ts',
    'docs/page.md: there is no pool/eviction.ts',
  ])
})

it("Files of a user's own package are no files of the project", () => {
  expect(problemsIn('`main.py`, `src/app.handler`, `/docs/openapi` and `npm ci`')).toEqual([])
})
