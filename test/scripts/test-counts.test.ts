import { describe, expect, it } from 'vitest'
import { closingLine, countTests, failuresIn } from '../../scripts/setup/test-counts.ts'

const file = (status: string, ...statuses: string[]) => ({
  name: '/here/test/http/jobs.test.ts',
  status,
  assertionResults: statuses.map((one, at) => ({ status: one, fullName: `test ${at}` })),
})

describe('The closing line of the tests', () => {
  it('counts what passed, failed and did not run', () => {
    const report = {
      testResults: [file('passed', 'passed', 'pending', 'todo'), file('failed', 'passed', 'failed', 'skipped')],
    }
    expect(closingLine(countTests(report))).toBe('2 passed, 1 failed, 3 skipped')
  })

  it('counts a file that could not be loaded as a failure', () => {
    expect(countTests({ testResults: [file('failed')] })).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  it('says so when nothing ran', () => {
    expect(closingLine(countTests({ testResults: [] }))).toBe('0 passed, 0 failed, 0 skipped')
  })
})

describe('What failed', () => {
  it('is named: each test, and a file that could not be loaded', () => {
    const report = { testResults: [file('passed', 'passed'), file('failed', 'passed', 'failed'), file('failed')] }
    expect(failuresIn(report)).toEqual(['test/http/jobs.test.ts failed: test 1', 'test/http/jobs.test.ts failed'])
  })
})
