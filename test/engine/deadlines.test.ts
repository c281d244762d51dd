import { expect, test } from 'vitest'
import { Deadlines } from '../../src/engine/worker/deadlines.ts'
import { FakeClock } from '../support/fake-clock.ts'

function setUp() {
  const clock = new FakeClock()
  const late: string[] = []
  const deadlines = new Deadlines<{ name: string; deadlineAt: number }>(clock, ({ name }) => late.push(name))
  const add = (name: string, inMs: number) => {
    const timed = { name, deadlineAt: clock.elapsed() + inMs }
    deadlines.add(timed)
    return timed
  }
  return { clock, late, deadlines, add }
}

test('each is reported when its own deadline has passed, in any order', async () => {
  const { clock, late, add } = setUp()
  add('slow', 500)
  add('quick', 100)
  add('middle', 300)
  await clock.pass(99)
  expect(late).toEqual([])
  await clock.pass(1)
  expect(late).toEqual(['quick'])
  await clock.pass(200)
  expect(late).toEqual(['quick', 'middle'])
  await clock.pass(200)
  expect(late).toEqual(['quick', 'middle', 'slow'])
})

test('a call that ended in time is not reported, and the timer continues with the next', async () => {
  const { clock, late, deadlines, add } = setUp()
  const first = add('first', 100)
  await clock.pass(50)
  deadlines.delete(first)
  add('second', 100)
  await clock.pass(99)
  expect(late).toEqual([])
  await clock.pass(1)
  expect(late).toEqual(['second'])
})

test('one that is added during a report has its deadline too', async () => {
  const clock = new FakeClock()
  const late: number[] = []
  const deadlines = new Deadlines<{ deadlineAt: number }>(clock, ({ deadlineAt }) => {
    late.push(deadlineAt)
    if (late.length < 3) deadlines.add({ deadlineAt: deadlineAt + 10 })
  })
  deadlines.add({ deadlineAt: clock.elapsed() + 10 })
  await clock.pass(100)
  expect(late).toHaveLength(3)
})

test('nothing is reported after the close', async () => {
  const { clock, late, deadlines, add } = setUp()
  const one = add('open', 100)
  deadlines.close()
  deadlines.delete(one)
  await clock.pass(1000)
  expect(late).toEqual([])
})
