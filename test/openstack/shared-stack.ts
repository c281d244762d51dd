import { OpenStackStack } from '../../scripts/openstack/stack.ts'

/** One stack for all files of the ring, which find it by its folder; where it cannot be had, each says so. */
export default async function share(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TAIBAI_TEST_STACK_DIR !== undefined) return undefined
  const stack = await OpenStackStack.startOrSkip(['keystone', 'swift', 'zaqar', 'aodh', 'events'])
  if (stack === null) return undefined
  process.env.TAIBAI_TEST_STACK_DIR = stack.folder
  return () => stack[Symbol.asyncDispose]()
}
