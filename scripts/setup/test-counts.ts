// Counts the tests in vitest's JSON report.

export interface TestCounts {
  passed: number
  failed: number
  skipped: number
}

export interface TestReport {
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

/** A file that fails without a failed test (it did not load, or a hook broke) counts as one failure: it must not vanish. */
export function countTests({ testResults }: TestReport): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const file of testResults) {
    const failedBefore = counts.failed
    for (const { status } of file.assertionResults) counts[kindOf(status)]++
    if (file.status === 'failed' && counts.failed === failedBefore) counts.failed++
  }
  return counts
}

export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** pending, skipped, todo and disabled are all tests that did not run. */
function kindOf(status: string): keyof TestCounts {
  return status === 'passed' || status === 'failed' ? status : 'skipped'
}
