import { expect, test } from 'vitest'
import type { AppFunction } from '../../src/domain/functions/app-function.ts'
import type { Revision } from '../../src/domain/platform/worker.ts'
import { afterLoadCheck } from '../../src/services/functions/load-check.ts'
import type { LoadTrials } from '../../src/services/functions/load-trials.ts'
import { aFn } from '../support/builders.ts'
import { aRevision } from '../support/fake-workers-pool.ts'

test('The worker of a load check ends, too, when what it tells of its functions is refused', async () => {
  const functions: AppFunction[] = [{ name: 'x'.repeat(300_000), trigger: 'httpTrigger' } as AppFunction]
  const warm = aRevision()
  const ended: Revision[] = []
  const trials = {
    load: async () => ({ functions, warm }),
    end: (revision: Revision) => void ended.push(revision),
  } as unknown as LoadTrials
  const appTimers = { check() {}, async follow() {}, idsOf: () => new Set<string>() }
  const written = afterLoadCheck({ appTimers, trials }, { fn: aFn(), before: null, check: 'load' }, async (fn) => fn)
  await expect(written).rejects.toMatchObject({ code: 'invalid_request' })
  expect(ended).toEqual([warm])
})
