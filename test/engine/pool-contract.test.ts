/** The pool, and the double that stands for it in the tests of services and HTTP. */
import { describePool, type PoolInTest } from '../support/contracts/pool.ts'
import { FakePool } from '../support/fake-pool.ts'
import { TestPool } from '../support/fake-workers-pool.ts'

describePool('The worker pool', (): PoolInTest => {
  const test = new TestPool()
  return {
    pool: test.pool,
    behave: (behaviour) => {
      test.workers.behaviour = behaviour
    },
    breakCode: () => {
      test.workers.broken.add('f1')
    },
    settle: async (promise) => {
      const settled = Promise.resolve(promise)
      let isOver = false
      void settled.then(
        () => {
          isOver = true
        },
        () => {
          isOver = true
        },
      )
      while (!isOver) await test.pass(10)
      return settled
    },
  }
})

describePool('Its double', (): PoolInTest => {
  const pool = new FakePool()
  return {
    pool,
    behave: (behaviour) => {
      pool.behaviour = behaviour
    },
    breakCode: () => {
      pool.breakCode()
    },
    settle: async (promise) => promise,
  }
})
