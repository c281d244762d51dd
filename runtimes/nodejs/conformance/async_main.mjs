import { setTimeout as sleep } from 'node:timers/promises'

export async function main(event) {
  await sleep(1)
  if (event.do === 'throw') throw new TypeError(event.message)
  if (event.do !== 'sleep') return event.value
  await sleep(event.ms)
  return 'slept'
}
