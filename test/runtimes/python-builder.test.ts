/** The builder of Python packages. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const builder = fileURLToPath(new URL('../../runtimes/python3/builder', import.meta.url))

/** Options of an exported lock file that are left out. */
function hidden(options: string[], env: Record<string, string>): string[] {
  const program =
    'import sys, json, build; print(json.dumps([line for line in json.load(sys.stdin) if build.hides_index(line)]))'
  const given = { cwd: builder, input: JSON.stringify(options), encoding: 'utf8', env } as const
  return JSON.parse(execFileSync('python3', ['-B', '-c', program], given))
}

test("the public index of a lock file does not replace the operator's index; private ones stay", () => {
  const { PATH = '' } = process.env
  const ofAll = [
    '-i https://pypi.org/simple',
    '--index-url https://pypi.org/simple/',
    '--index-url=https://pypi.org/simple',
  ]
  const own = ['-i https://packages.example/simple', '--extra-index-url https://pypi.org/simple']
  expect(hidden([...ofAll, ...own], { PATH, PIP_INDEX_URL: 'https://mirror.example/simple' })).toEqual(ofAll)
  expect(hidden([...ofAll, ...own], { PATH })).toEqual([])
})
