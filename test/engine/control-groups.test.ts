import { expect, test } from 'vitest'
import { ControlGroups, cpuMsIn, groupsIn, memoryUsedIn } from '../../src/engine/sandbox/docker/control-groups.ts'

const id = 'a1'.repeat(32)

test('files of version 1, where the likeliest are', () => {
  const text = `3:cpuset:/docker/${id}\n4:memory:/docker/${id}\n6:freezer:/docker/${id}\n2:cpu,cpuacct:/docker/${id}\n0::/docker/${id}\n`
  const { cpu, memory, freezer } = groupsIn(text, id)
  expect(cpu[0]).toBe(`/sys/fs/cgroup/cpuacct/docker/${id}/cpuacct.usage`)
  expect(memory[0]).toBe(`/sys/fs/cgroup/memory/docker/${id}/memory.usage_in_bytes`)
  expect(freezer[0]).toBe(`/sys/fs/cgroup/freezer/docker/${id}/freezer.state`)
})

test('files of version 2, with the groups of systemd', () => {
  expect(groupsIn(`0::/system.slice/docker-${id}.scope\n`, id)).toEqual({
    cpu: [`/sys/fs/cgroup/system.slice/docker-${id}.scope/cpu.stat`],
    memory: [`/sys/fs/cgroup/system.slice/docker-${id}.scope/memory.current`],
    freezer: [`/sys/fs/cgroup/system.slice/docker-${id}.scope/cgroup.freeze`],
  })
})

test('a process of ours that has the pid which an engine elsewhere told of is not the container', () => {
  expect(groupsIn('2:cpuacct:/user.slice\n0::/user.slice\n', id)).toEqual({ cpu: [], memory: [], freezer: [] })
})

test('nothing is known of an engine whose processes are not seen, and it is not asked for ever', () => {
  const groups = new ControlGroups()
  for (let n = 0; n < 5; n++) {
    expect(groups.isUnknown).toBe(true)
    groups.learn(0, id)
    groups.learn(process.pid, id)
  }
  expect(groups.isUnknown).toBe(false)
  expect(groups.of(id)).toBeNull()
})

test.each([
  ['1234567\n', 1.234567],
  ['usage_usec 5000\nuser_usec 1\nsystem_usec 2\n', 5],
  ['nothing of this kind', null],
])('%j is this number of milliseconds', (text, ms) => {
  expect(cpuMsIn(text)).toBe(ms)
})

test.each([
  ['version 1', '9000\n', 'cache 5000\ninactive_file 100\ntotal_inactive_file 3000\n', 6000],
  ['version 2', '9000\n', 'anon 4000\nfile 5000\ninactive_file 3000\n', 6000],
  ['both read at other moments', '2000\n', 'inactive_file 3000\n', 0],
  ['a group that is gone', '', '', null],
])('memory in use is without what the kernel may reclaim: %s', (_version, usage, stat, bytes) => {
  expect(memoryUsedIn(usage, stat)).toBe(bytes)
})
