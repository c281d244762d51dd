/** Whether the engine answers. */
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { EngineWatch } from '../../src/engine/sandbox/container/engine-watch.ts'
import { waitUntil } from '../support/wait-until.ts'

const options = { everyMs: 5, answerMs: 50 }
let watch: EngineWatch
afterEach(() => watch.close())

test('an engine that refuses is away until it answers', async () => {
  let isThere = false
  watch = new EngineWatch(
    () => (isThere ? Promise.resolve() : Promise.reject(new Error('refused'))),
    silentLog,
    options,
  )
  expect(watch.isUp, 'before anything is known').toBe(true)
  await waitUntil('it is known to be away', () => !watch.isUp)
  isThere = true
  await waitUntil('it is known to be back', () => watch.isUp)
})

test('an engine that hangs is away until its answer comes', async () => {
  const answers: (() => void)[] = []
  watch = new EngineWatch(() => new Promise<void>((resolve) => answers.push(resolve)), silentLog, options)
  await waitUntil('it is known to be away', () => !watch.isUp)
  expect(answers, 'it is not asked again before it has answered').toHaveLength(1)
  answers[0]?.()
  await waitUntil('it is known to be back', () => watch.isUp)
})
