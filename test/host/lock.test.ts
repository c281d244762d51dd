import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { withLock } from '../../src/host/lock.ts'

const name = `test-${process.pid}`

describe('A lock between processes', () => {
  it('lets one work at a time, and tells the other whom it waits for', async () => {
    const seen: string[] = []
    const first = withLock(
      name,
      () => {},
      async () => {
        seen.push('first in')
        await sleep(50)
        seen.push('first out')
      },
    )
    const second = withLock(
      name,
      (owner) => seen.push(`waits for ${owner}`),
      async () => seen.push('second in'),
    )
    await Promise.all([first, second])
    expect(seen).toEqual(['first in', `waits for ${process.pid}`, 'first out', 'second in'])
  })

  it('is free again after a failure', async () => {
    const failing = withLock(
      name,
      () => {},
      () => Promise.reject(new Error('no')),
    )
    await expect(failing).rejects.toThrow('no')
    await expect(
      withLock(
        name,
        () => {},
        async () => 'in',
      ),
    ).resolves.toBe('in')
  })

  it('is taken over from a process that is gone', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid
    writeFileSync(join(tmpdir(), `taibai-${name}-${process.getuid?.()}.lock`), String(gone))
    await expect(
      withLock(
        name,
        () => {},
        async () => 'in',
      ),
    ).resolves.toBe('in')
  })
})
