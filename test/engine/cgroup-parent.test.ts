import { describe, expect, test } from 'vitest'
import { wrongCgroupParent } from '../../src/engine/sandbox/docker/engine-facts.ts'

describe('The control group of all workers', () => {
  test.each([
    ['systemd', '/taibai-workers', 'must be a slice'],
    ['systemd', 'taibai-workers', 'must be a slice'],
    ['systemd', 'a/b.slice', 'must be a slice'],
    ['cgroupfs', 'workers.slice', 'must be a path'],
    ['cgroupfs', '/a/../b', 'must be a path'],
  ])('is refused by an engine with %s when it is %s', (driver, parent, sentence) => {
    expect(wrongCgroupParent(parent, driver)).toContain(sentence)
  })

  test.each([
    ['systemd', 'taibai-workers.slice'],
    ['cgroupfs', '/taibai/workers'],
    [undefined, 'whatever'],
    ['systemd', undefined],
  ])('is taken by an engine with %s when it is %s', (driver, parent) => {
    expect(wrongCgroupParent(parent, driver)).toBeNull()
  })
})
