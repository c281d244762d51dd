import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'

test.each([
  [{ TAIBAI_WORKER_UID: '2147483648' }, /^Settings that cannot be used:\n {2}TAIBAI_WORKER_UID: .*2147483647/],
  [{ TAIBAI_WORKER_UID: '0' }, /TAIBAI_WORKER_UID/],
  [{ TAIBAI_WORKER_UID: '2147483000' }, /^TAIBAI_WORKER_UIDS: 1000 user ids from 2147483000 on exceed the highest/],
])('users of workers that no engine takes are refused at the start: %j', (environment, sentence) => {
  expect(() => readConfig(environment)).toThrow(sentence)
})

test('the last users that there are may be those of workers', () => {
  expect(readConfig({ TAIBAI_WORKER_UID: '2147482648', TAIBAI_WORKER_UIDS: '1000' })).toMatchObject({
    workerUids: 1000,
  })
})
