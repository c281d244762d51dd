/**
 * A sequence is a function of its own, which calls one action after the other through the API: so it has records, triggers and
 * limits as every function, and is tried again after a crash.
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
