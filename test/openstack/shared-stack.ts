import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OpenStackStack } from '../../scripts/openstack/stack.ts'

/** One stack for all files of the ring. It starts beside the rings before, and they wait for it; where it cannot be had, each says so. */
export default function share(): (() => Promise<void>) | undefined {
  if (process.env.TAIBAI_TEST_STACK_DIR !== undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'taibai-stack-note-'))
  const file = join(folder, 'stack.json')
  const starting = OpenStackStack.startAndNote(['keystone', 'swift', 'zaqar', 'aodh', 'events'], file)
  process.env.TAIBAI_TEST_STACK_NOTE = file
  return async () => {
    await (await starting)?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  }
}
