import type { AppOutput } from '../runs/outcome.ts'
import { type AppFunction, inputFor } from './app-function.ts'

/** Limit of messages that one call may put into its outputs. */
export const maxMessages = 1000

/** The valid outputs in a worker's report; undefined: there are none. */
export function appOutputsIn(told: unknown): AppOutput[] | undefined {
  if (!Array.isArray(told)) return undefined
  let room = maxMessages
  const outputs = told.filter(isOutput).map(({ name, type, to, messages }) => {
    const taken = messages.slice(0, room)
    room -= taken.length
    return { name, type, to: typeof to === 'string' ? to : null, messages: taken }
  })
  return outputs.length === 0 ? undefined : outputs
}

function isOutput(one: unknown): one is AppOutput {
  if (typeof one !== 'object' || one === null) return false
  const { name, type, messages } = one as Partial<AppOutput>
  if (!isName(name) || !isName(type) || !Array.isArray(messages)) return false
  return messages.every((message) => typeof message === 'string')
}

const isName = (text: unknown): boolean => typeof text === 'string' && text.length <= longestName

/** Longer than any name of a binding; the log and this server keep it. */
const longestName = 255

/** The triggers that read a type of output, and the field in which each names what it reads. */
const readers: Record<string, { trigger: string; field: string }[]> = {
  queue: [{ trigger: 'queuetrigger', field: 'queueName' }],
  servicebus: [
    { trigger: 'servicebustrigger', field: 'queueName' },
    { trigger: 'servicebustrigger', field: 'topicName' },
  ],
}

/** The functions that get each message: one for a queue, all subscribers of a topic. Pure. */
export function readersOf({ type, to }: AppOutput, functions: AppFunction[]): AppFunction[] {
  if (to === null) return []
  const name = to.toLowerCase()
  const found = (readers[type.toLowerCase()] ?? []).flatMap(({ trigger, field }) => {
    const reading = functions.filter(
      (one) => one.trigger.toLowerCase() === trigger && `${one[field] ?? ''}`.toLowerCase() === name,
    )
    return field === 'topicName' ? reading : reading.slice(0, 1)
  })
  return found
}

/** The input that calls one function of an app with a message: its text, as it was put there. */
export const inputWith = ({ name }: AppFunction, message: string): string =>
  `${inputFor(name).slice(0, -1)},"input":${JSON.stringify(message)}}`
