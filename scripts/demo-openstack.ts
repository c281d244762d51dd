// Demonstrates four stories with real OpenStack services, step by step: events there run functions here. Starts the services
// (their scripts are beside the checkout, or in TAIBAI_TEST_STACK_SCRIPTS) and a server of its own, and removes everything at the
// end.

import { SetupProblem } from '../src/host/problem.ts'
import { type CloudUrls, CloudUser } from './openstack/cloud-user.ts'
import { OpenStackStack, stackPassword } from './openstack/stack.ts'
import {
  alarmStory,
  failingServiceStory,
  messageStory,
  resultStory,
  type Stage,
  uploadByAlarmStory,
  uploadBySourceStory,
} from './openstack/stories.ts'
import { newDataDir, startOwnServer, stopAll } from './setup/own-server.ts'
import { progress, runScript } from './setup/terminal.ts'

const stories: [title: string, tell: (stage: Stage) => Promise<unknown>][] = [
  ['A message in a Zaqar queue runs a function', messageStory],
  ['An alarm of Aodh runs a function', alarmStory],
  ['An object uploaded to Swift is read by a function, which writes a result back (told by Aodh)', uploadByAlarmStory],
  ['The same, told by a source of Taibai, without Aodh', uploadBySourceStory],
  ['The result of an accepted run goes to a Zaqar queue', resultStory],
  ['A failing service is reported to a queue, and a second function notifies somebody', failingServiceStory],
]

async function main(): Promise<undefined> {
  const stop = interruption()
  const began = performance.now()
  progress.step('Keystone, Swift, Zaqar and Aodh (installed when they are missing: some minutes; started: one)')
  const undo: (() => PromiseLike<unknown>)[] = []
  try {
    await Promise.race([tellAll(undo), stop])
  } finally {
    progress.step('Cleaning up')
    for (const what of undo.reverse()) await what()
    progress.done('the server, the services and what they made are gone')
  }
  progress.done(`${stories.length} stories in ${Math.round((performance.now() - began) / 1000)} s`)
}

async function tellAll(undo: (() => PromiseLike<unknown>)[]): Promise<void> {
  const stack = await OpenStackStack.start(['keystone', 'swift', 'zaqar', 'aodh', 'events']).catch((error: Error) => {
    throw new SetupProblem(`The services could not be started: ${error.message}`)
  })
  undo.push(() => stack[Symbol.asyncDispose]())
  progress.done(`Keystone answers at ${stack.env.AUTH_URL}`)

  progress.step(
    'Taibai, with Keystone authentication (functions as plain processes: these services listen on loopback only)',
  )
  const settings = { TAIBAI_ENGINE: 'process', TAIBAI_GENERIC_WORKERS: '1', ...stack.settings }
  undo.push(stopAll)
  const { client } = await startOwnServer(newDataDir('taibai-demo-'), settings)
  progress.done(`it answers at ${client.url}`)

  const user = await CloudUser.logIn(stack.env as unknown as CloudUrls, client.url, 'demo', stackPassword)
  for (const [title, tell] of stories) {
    progress.step(title)
    await tellOne(tell, user, stack)
  }
}

async function tellOne(tell: (stage: Stage) => Promise<unknown>, user: CloudUser, stack: OpenStackStack) {
  const undo: (() => Promise<unknown>)[] = []
  const prefix = `demo-${process.pid}`
  const emitEvent: Stage['emitEvent'] = (type, traits) => stack.emitEvent(type, traits)
  try {
    await tell({ user, prefix, emitEvent, say: progress.detail, undo: (what) => undo.push(what) })
    progress.done('as it should be')
  } finally {
    for (const what of undo.reverse()) await what()
  }
}

/** Rejects on Ctrl-C, so that everything is removed. */
function interruption(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => reject(new SetupProblem(`Ended by ${signal}.`)))
  }
  promise.catch(() => {})
  return promise
}

await runScript(main)
