import { expect, test } from 'vitest'
import { auditIn } from '../../scripts/release/audit.ts'

/** What `npm audit --json` prints, and what is made of it. */

test('a registry that does not answer audits is no all-clear', () => {
  const told = JSON.stringify({
    message: '405 Method Not Allowed - POST https://registry.example.org/advisories',
    statusCode: 405,
  })
  const { kind, text } = auditIn(told)
  expect(kind).toBe('unasked')
  expect(text).toMatch(/^Whether there are known vulnerabilities could NOT be asked: 405 Method Not Allowed/)
})

test.each(['', 'half {', '{}'])('nor is an answer of %j', (stdout) => {
  expect(auditIn(stdout, 'npm warn\nnpm error network\n')).toMatchObject({
    kind: 'unasked',
    text: expect.stringContaining('asked: '),
  })
})

test('vulnerable packages are told with why', () => {
  const vulnerabilities = {
    a: { severity: 'high', range: '<2.0.0', via: [{ title: 'Runs what it reads', url: 'https://example.org/1' }] },
    b: { severity: 'high', range: '*', via: ['a'] },
  }
  expect(auditIn(JSON.stringify({ vulnerabilities }))).toEqual({
    kind: 'vulnerable',
    text: 'high: a <2.0.0: Runs what it reads https://example.org/1\nhigh: b *: by a',
  })
})

test('an empty list is an all-clear', () => {
  const answer = { vulnerabilities: {}, metadata: { dependencies: { prod: 42 } } }
  expect(auditIn(JSON.stringify(answer))).toEqual({
    kind: 'clean',
    text: 'No known vulnerability in 42 packages of production',
  })
})
