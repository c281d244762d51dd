/** An image on another machine and the helper beside it: what becomes of one when the other ends. */
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { Bridge } from '../../src/engine/worker/bridge.ts'
import { BridgedImage } from '../../src/engine/worker/bridged-image.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'

function start() {
  const [image, helper] = [new FakeSandbox('image'), new FakeSandbox('helper')]
  const bridge = new Bridge('key', () => {})
  return { image, helper, bridge, bridged: new BridgedImage(image, helper, bridge) }
}

test('an image whose helper ends is ended', async () => {
  const { image, helper, bridged } = start()
  helper.end({ code: 113, memoryExceeded: false })
  expect(await bridged.exited).toEqual({ code: null, memoryExceeded: false, fromOutside: true })
  await image.exited
  expect(image.asked).toEqual(['kill'])
})

test('a helper whose image ends is ended, and the exit is that of the image', async () => {
  const { image, helper, bridged } = start()
  image.end({ code: 3, memoryExceeded: false })
  expect(await bridged.exited).toEqual({ code: 3, memoryExceeded: false })
  await helper.exited
  expect(helper.asked).toEqual(['kill'])
})

test('nobody listens for an image that has ended, also when its address is asked for later', async () => {
  const { image, helper, bridged } = start()
  image.end({ code: 3, memoryExceeded: false })
  await helper.exited
  const address = await bridged.address()
  const refused = new Promise<NodeJS.ErrnoException>((resolve, reject) => {
    connect(address)
      .once('error', resolve)
      .once('connect', () => reject(new Error('somebody listens')))
  })
  expect((await refused).code).toBe('ECONNREFUSED')
})
