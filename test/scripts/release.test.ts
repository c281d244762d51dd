import { describe, expect, test } from 'vitest'
import { checkVersion, releasedChangelog } from '../../scripts/release/changelog.ts'
import {
  bomOf,
  licencesText,
  type Part,
  packageOf,
  partsIn,
  platformParts,
  requirementsIn,
} from '../../scripts/release/parts.ts'

describe('the changelog of a release', () => {
  const text = '# Changes\n\n## Not released yet\n\n### Added\n\n- A thing.\n\n## 0.1.0\n\nThe first.\n'

  test('gives what was not released the version and the day, and begins anew', () => {
    expect(releasedChangelog(text, '0.2.0', '2026-11-30')).toBe(
      '# Changes\n\n## Not released yet\n\n## 0.2.0 (2026-11-30)\n\n### Added\n\n- A thing.\n\n## 0.1.0\n\nThe first.\n',
    )
  })

  test('is refused when it tells of nothing new', () => {
    const empty = '# Changes\n\n## Not released yet\n\n## 0.1.0\n\nThe first.\n'
    expect(() => releasedChangelog(empty, '0.2.0', '2026-11-30')).toThrow(/nothing new/)
    expect(() => releasedChangelog('# Changes\n', '0.2.0', '2026-11-30')).toThrow(/no section/)
  })
})

describe('a version', () => {
  test.each([undefined, '', '1', 'v1.2.3', '1.2.3-rc.1'])('is not %j', (wanted) => {
    expect(() => checkVersion(wanted, '0.1.0')).toThrow(/Say which version/)
  })
  test.each(['0.1.0', '0.0.9'])('is later than what is there, which %s is not', (wanted) => {
    expect(() => checkVersion(wanted, '0.1.0')).toThrow(/not later/)
  })
  test.each(['0.1.1', '0.2.0', '1.0.0'])('may be %s', (wanted) => {
    expect(checkVersion(wanted, '0.1.0')).toBe(wanted)
  })
})

describe('the parts of a release', () => {
  const part: Part = { name: '@a/b', version: '2.0.0', licence: 'MIT', text: 'Copyright' }

  test.each([
    ['src/main.ts', undefined],
    ['node_modules/hono/dist/x.js', 'hono'],
    ['node_modules/@hono/zod/x.js', '@hono/zod'],
    ['node_modules/a/node_modules/@b/c/d.js', '@b/c'],
  ])('%s is of %s', (path, name) => {
    expect(packageOf(path)).toBe(name)
  })

  test('include what functions of other platforms are given, with purl and licence, though npm does not list it', () => {
    const given = partsIn('express 5.1.0\n\nMIT License\n\nfor you\n\n---\n\n@a/c 1.0.0\n\nApache\n')
    expect(given.map(({ name, version, text }) => [name, version, text])).toEqual([
      ['express', '5.1.0', 'MIT License\n\nfor you'],
      ['@a/c', '1.0.0', 'Apache'],
    ])
    const python = requirementsIn('# made of\nflask==3.1.3\n')
    expect(python).toMatchObject([{ registry: 'pypi', name: 'flask', version: '3.1.3' }])
    const whole = { metadata: { component: { 'bom-ref': 'x' } }, components: [], dependencies: [] }
    const components = bomOf<Parameters<typeof bomOf>[0]>(whole, [...given, ...python]).components
    expect(components.map(({ purl }) => purl)).toEqual([
      'pkg:npm/express@5.1.0',
      'pkg:npm/%40a/c@1.0.0',
      'pkg:pypi/flask@3.1.3',
    ])
  })

  test('include what the runtimes of this tree carry', () => {
    const names = platformParts().map(({ name }) => name)
    for (const name of ['express', '@azure/functions', 'flask', 'azure-functions']) expect(names).toContain(name)
  })

  test('are those of npm’s list that are bundled, with what they need of each other', () => {
    const whole = {
      metadata: { component: { 'bom-ref': 'taibai@1.0.0' } },
      components: [
        { 'bom-ref': '@a/b@2.0.0', name: 'b' },
        { 'bom-ref': 'vitest@5.0.0', name: 'vitest' },
      ],
      dependencies: [
        { ref: 'taibai@1.0.0', dependsOn: ['@a/b@2.0.0', 'vitest@5.0.0'] },
        { ref: 'vitest@5.0.0' },
        { ref: '@a/b@2.0.0' },
      ],
    }
    expect(bomOf(whole, [part])).toEqual({
      metadata: { component: { 'bom-ref': 'taibai@1.0.0', name: 'taibai' } },
      components: [whole.components[0]],
      dependencies: [
        { ref: 'taibai@1.0.0', dependsOn: ['@a/b@2.0.0'] },
        { ref: '@a/b@2.0.0', dependsOn: [] },
      ],
    })
  })

  test('are named with their licences', () => {
    expect(licencesText([part])).toMatch(/@a\/b 2\.0\.0: MIT\n[\s\S]*={80}\n@a\/b\n\nCopyright/)
  })
})
