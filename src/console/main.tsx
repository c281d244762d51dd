import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import { get, logOut, needsLogin, token } from './api.ts'
import { follow, isLive } from './live.ts'
import { Execution } from './pages/execution.tsx'
import { Executions } from './pages/executions.tsx'
import { Function_ } from './pages/function.tsx'
import { Functions } from './pages/functions.tsx'
import { Jobs } from './pages/jobs.tsx'
import { Login } from './pages/login.tsx'
import { NewFunction } from './pages/new-function.tsx'
import { Overview } from './pages/overview.tsx'
import { Runtimes } from './pages/runtimes.tsx'
import { Secrets } from './pages/secrets.tsx'
import { Server } from './pages/server.tsx'
import { Tokens } from './pages/tokens.tsx'
import { Webhooks } from './pages/webhooks.tsx'
import { Workers } from './pages/workers.tsx'
import { Link, path } from './router.tsx'
import './style.css'
import 'uplot/dist/uPlot.min.css'

const places: [to: string, name: string][] = [
  ['/', 'Overview'],
  ['/functions', 'Functions'],
  ['/executions', 'Executions'],
  ['/jobs', 'Jobs'],
  ['/webhooks', 'Webhooks'],
  ['/secrets', 'Secrets'],
  ['/workers', 'Workers'],
  ['/runtimes', 'Runtimes'],
  ['/tokens', 'Tokens'],
  ['/server', 'Server'],
]

function pageAt(at: string) {
  const [, place = '', id] = at.split('/').map(decodeURIComponent)
  if (place === 'functions' && id === 'new') return <NewFunction />
  if (place === 'functions' && id) return <Function_ key={id} id={id} />
  if (place === 'executions' && id) return <Execution key={id} id={id} />
  switch (place) {
    case '':
      return <Overview />
    case 'functions':
      return <Functions />
    case 'executions':
      return <Executions />
    case 'jobs':
      return <Jobs />
    case 'webhooks':
      return <Webhooks />
    case 'secrets':
      return <Secrets />
    case 'workers':
      return <Workers />
    case 'runtimes':
      return <Runtimes />
    case 'tokens':
      return <Tokens />
    case 'server':
      return <Server />
    default:
      return <p class="empty">There is no such page.</p>
  }
}

function Console() {
  useEffect(() => {
    // In open mode this succeeds without a token; else it leads to the log-in.
    void get('/v1/runtimes').catch(() => {})
    void follow()
  }, [])
  if (needsLogin.value) return <Login />
  const at = path.value
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <nav aria-label="Places">
        <Link to="/" class="brand">
          Taibai
        </Link>
        {places.map(([to, name]) => (
          <Link key={to} to={to} current={to === '/' ? at === '/' : at === to || at.startsWith(`${to}/`)}>
            {name}
          </Link>
        ))}
        <span class={isLive.value ? 'live on' : 'live'} role="status">
          {isLive.value ? 'live' : 'not connected'}
        </span>
        {token.value !== null && (
          <button type="button" class="small" onClick={logOut}>
            Log out
          </button>
        )}
      </nav>
      <main id="content">{pageAt(at)}</main>
    </>
  )
}

render(<Console />, document.getElementById('app') as HTMLElement)
