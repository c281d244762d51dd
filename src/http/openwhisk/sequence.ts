import { whiskBadRequest } from './whisk-error.ts'

/** OpenWhisk's limit of actions in a sequence, including those of nested sequences. */
const mostActions = 50

/**
 * Refuses a sequence that contains itself, directly or through others, or that has too many actions. `componentsOf`: the
 * components of an existing action, by its own name; null: not a sequence. Throws WhiskError.
 */
export function checkSequence(
  name: string,
  components: string[],
  componentsOf: (name: string) => { name: string; components: string[] | null },
): void {
  const known = new Map<string, number>()
  const actionsOf = (of: string[], way: Set<string>): number => {
    let actions = 0
    for (const component of of) actions += actionsIn(component, way)
    if (actions > mostActions)
      throw whiskBadRequest(`Too many actions in the sequence: it comes to more than ${mostActions}.`)
    return actions
  }
  const actionsIn = (component: string, way: Set<string>): number => {
    const found = componentsOf(component)
    if (way.has(found.name)) throw whiskBadRequest(ring(name, component))
    if (found.components === null) return 1
    const before = known.get(found.name)
    if (before !== undefined) return before
    const actions = actionsOf(found.components, new Set([...way, found.name]))
    known.set(found.name, actions)
    return actions
  }
  actionsOf(components, new Set([name]))
}

const ring = (name: string, component: string): string =>
  `Sequence may not refer to itself: ${name} comes back to ${component} by way of its components.`

/**
 * A sequence is a function that calls one action after the other through the API, so it has records, triggers, limits and retries
 * like every function.
 */
export const sequenceCode = (components: string[]): string => `// Made from the components of a sequence.
const components = ${JSON.stringify(components)}

async function main(params) {
  let value = params
  for (const component of components) {
    const answer = await invoke(component, value)
    if (answer.response === undefined) return { error: answer.error ?? \`\${component} did not end in time.\` }
    process.stdout.write(\`\${answer.activationId}\\n\`)
    value = answer.response.result
    if (!answer.response.success) return value
  }
  return value
}

async function invoke(component, params) {
  const { env } = process
  const { __OW_API_HOST: host, __OW_API_KEY: key, __OW_DEADLINE: deadline } = env
  const path = component.split('/').slice(2).map(encodeURIComponent).join('/')
  const timeout = Math.max(1, Number(deadline) - Date.now())
  const answer = await fetch(\`\${host}/api/v1/namespaces/_/actions/\${path}?blocking=true&timeout=\${timeout}\`, {
    method: 'POST',
    headers: { Authorization: \`Basic \${btoa(key)}\`, 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  })
  return answer.json()
}
`
