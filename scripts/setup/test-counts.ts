// Counts the tests in vitest's JSON report, and names those that failed.

export interface TestCounts {
  passed: number
  failed: number
  skipped: number
}

export interface TestReport {
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[]
}

/**
 * A file that fails without a failed test (it did not load, or a hook broke) counts as one failure, so that it is not overlooked.
 */
export function countTests({ testResults }: TestReport): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const file of testResults) {
    const failedBefore = counts.failed
    for (const { status } of file.assertionResults) counts[kindOf(status)]++
    if (file.status === 'failed' && counts.failed === failedBefore) counts.failed++
  }
  return counts
}

/** A line for each; a file that fails without a failed test is named alone. */
export function failuresIn({ testResults }: TestReport): string[] {
  return testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, assertionResults }) => {
      const path = name.slice(name.lastIndexOf('/test/') + 1)
      const titles = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
      return titles.length === 0 ? [`${path} failed`] : titles.map((title) => `${path} failed: ${title}`)
    })
}

export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** pending, skipped, todo and disabled tests did not run. */
function kindOf(status: string): keyof TestCounts {
  return status === 'passed' || status === 'failed' ? status : 'skipped'
}
