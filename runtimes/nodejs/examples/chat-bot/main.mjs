import { dice, help } from './commands.mjs'

/** What comes here is genuine: the webhook has checked its signature. */
export function main(event, context) {
  const message = readMessage(event, context)
  // Slack asks once whether the address is ours.
  if (message.type === 'url_verification') return { challenge: message.challenge }
  const [word = '', ...rest] = (message.text ?? '').trim().split(/\s+/)
  console.log(`${message.user_name ?? 'somebody'} says ${word}`)
  return { response_type: 'in_channel', text: answerTo(word, rest) }
}

function answerTo(word, rest) {
  if (word === 'roll') return dice(rest[0])
  if (word === 'hello') return 'Hello!'
  return help()
}

/** Slash commands are forms, events are JSON. */
function readMessage(event, { request }) {
  const type = request?.headers['content-type'] ?? ''
  if (!type.startsWith('application/x-www-form-urlencoded')) return event ?? {}
  return Object.fromEntries(new URLSearchParams(request.body.toString()))
}
