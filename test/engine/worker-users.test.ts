import { expect, test } from 'vitest'
import { WorkerUsers } from '../../src/engine/sandbox/container/worker-users.ts'
import { passwdText } from '../../src/engine/sandbox/docker/etc-files.ts'

const uidsOf = (users: WorkerUsers, count: number) => Array.from({ length: count }, () => users.take().uid)

test('each sandbox has a user of its own, in one group', () => {
  const users = new WorkerUsers({ firstUid: 64_000, count: 1000 })
  expect(new Set(uidsOf(users, 1000)).size).toBe(1000)
  expect(new WorkerUsers({ firstUid: 64_000, count: 2 }).take()).toEqual({ uid: 64_000, gid: 64_000 })
})

test('a user that is given back is given again, as late as possible', () => {
  const users = new WorkerUsers({ firstUid: 10, count: 4 })
  users.release(users.take())
  expect(uidsOf(users, 4)).toEqual([11, 12, 13, 10])
})

test('a user in use is passed over', () => {
  const users = new WorkerUsers({ firstUid: 10, count: 3 })
  const [a, b] = [users.take(), users.take()]
  users.take()
  users.release(b)
  expect(users.take().uid).toBe(11)
  users.release(a)
  expect(users.take().uid).toBe(10)
})

test('where all are in use, some are shared', () => {
  const users = new WorkerUsers({ firstUid: 10, count: 2 })
  expect(uidsOf(users, 5).sort()).toEqual([10, 10, 10, 11, 11])
})

test('one has a name and a home before it is used', () => {
  const named: number[] = []
  const users = new WorkerUsers({ firstUid: 10, count: 2 }, ({ uid }) => named.push(uid))
  expect(users.take().uid).toBe(named[0])
  expect(passwdText({ uid: 64_003, gid: 64_000 })).toContain('\nfunction:x:64003:64000:function:/tmp:/bin/sh\n')
})

test('a user that two share is in use until both have gone', () => {
  const users = new WorkerUsers({ firstUid: 10, count: 2 })
  const [a, b] = [users.take(), users.take()]
  expect(users.take().uid).toBe(a.uid)
  users.release(a)
  users.release(b)
  expect(users.take().uid, 'the free one').toBe(b.uid)
  users.release(b)
  expect(users.take().uid, 'again: of the first there is one left').toBe(b.uid)
})
