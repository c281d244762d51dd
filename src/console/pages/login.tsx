import { useState } from 'preact/hooks'
import { apiRequest, logIn } from '../api.ts'
import { Field } from '../parts/basics.tsx'

export function LoginPage() {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState('')
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    const answer = await fetch('/v1/runtimes', { headers: { 'X-Auth-Token': text.trim() } }).catch(() => null)
    if (answer === null) return setProblem('The server does not answer.')
    if (answer.status === 401) return setProblem('The server does not accept this token.')
    logIn(text.trim())
    void apiRequest('GET', '/v1/runtimes')
  }
  return (
    <main class="login">
      <form onSubmit={onSubmit}>
        <h1>Taibai</h1>
        <Field
          label="Token"
          hint="The admin token is in the file admin.token in the data folder. The token is kept for this tab only."
        >
          <input
            type="password"
            autocomplete="off"
            required
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </Field>
        {problem && (
          <p class="trouble" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary">
          Log in
        </button>
      </form>
    </main>
  )
}
