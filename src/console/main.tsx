import { render } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { get, logOut, needsLogin, token } from './api.ts'
import { followEvents, isLive } from './live.ts'
import { followMe, isAdmin, me } from './me.ts'
import { BuildPage, BuildsPage } from './pages/builds.tsx'
import { DeadLettersPage } from './pages/dead-letters.tsx'
import { ExecutionPage } from './pages/execution.tsx'
import { ExecutionsPage } from './pages/executions.tsx'
import { FunctionPage } from './pages/function.tsx'
import { FunctionsPage } from './pages/functions.tsx'
import { ImagesPage } from './pages/images.tsx'
import { JobsPage } from './pages/jobs.tsx'
import { LoginPage } from './pages/login.tsx'
import { NewFunctionPage } from './pages/new-function.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { ProjectPage } from './pages/project.tsx'
import { ProjectsPage } from './pages/projects.tsx'
import { RuntimesPage } from './pages/runtimes.tsx'
import { SecretsPage } from './pages/secrets.tsx'
import { ServerPage } from './pages/server.tsx'
import { SettingsPage } from './pages/settings.tsx'
import { TokensPage } from './pages/tokens.tsx'
import { UsagePage } from './pages/usage.tsx'
import { WebhooksPage } from './pages/webhooks.tsx'
import { WhatIfPage } from './pages/what-if.tsx'
import { WorkersPage } from './pages/workers.tsx'
import { Link, path } from './router.tsx'
import './style.css'
import 'uplot/dist/uPlot.min.css'

interface Place {
  to: string
  name: string
  /** True for pages that others may not use. */
  forAdmins?: true
}

const places: Place[] = [
  { to: '/', name: 'Overview' },
  { to: '/functions', name: 'Functions' },
  { to: '/builds', name: 'Builds' },
  { to: '/executions', name: 'Executions' },
  { to: '/dead-letters', name: 'Dead letters' },
  { to: '/jobs', name: 'Jobs' },
  { to: '/webhooks', name: 'Webhooks' },
  { to: '/secrets', name: 'Secrets' },
  { to: '/workers', name: 'Workers' },
  { to: '/usage', name: 'Usage' },
  { to: '/what-if', name: 'What if', forAdmins: true },
  { to: '/runtimes', name: 'Runtimes' },
  { to: '/images', name: 'Images', forAdmins: true },
  { to: '/projects', name: 'Projects' },
  { to: '/tokens', name: 'Tokens', forAdmins: true },
  { to: '/settings', name: 'Settings', forAdmins: true },
  { to: '/server', name: 'Server', forAdmins: true },
]

function pageAt(at: string) {
  const [, place = '', id] = at.split('/').map(decodeURIComponent)
  if (place === 'functions' && id === 'new') return <NewFunctionPage />
  if (place === 'functions' && id) return <FunctionPage key={id} id={id} />
  if (place === 'projects' && id) return <ProjectPage key={id} id={id} />
  if (place === 'builds' && id) return <BuildPage key={id} id={id} />
  if (place === 'executions' && id) return <ExecutionPage key={id} id={id} />
  switch (place) {
    case '':
      return <OverviewPage />
    case 'functions':
      return <FunctionsPage />
    case 'executions':
      return <ExecutionsPage />
    case 'builds':
      return <BuildsPage />
    case 'dead-letters':
      return <DeadLettersPage />
    case 'jobs':
      return <JobsPage />
    case 'webhooks':
      return <WebhooksPage />
    case 'secrets':
      return <SecretsPage />
    case 'usage':
      return <UsagePage />
    case 'workers':
      return <WorkersPage />
    case 'what-if':
      return <WhatIfPage />
    case 'runtimes':
      return <RuntimesPage />
    case 'images':
      return <ImagesPage />
    case 'projects':
      return <ProjectsPage />
    case 'settings':
      return <SettingsPage />
    case 'tokens':
      return <TokensPage />
    case 'server':
      return <ServerPage />
    default:
      return <p class="empty">There is no such page.</p>
  }
}

function Console() {
  useEffect(() => {
    // In open mode this succeeds without a token; else it leads to the login.
    void get('/v1/runtimes').catch(() => {})
    void followEvents()
    followMe()
  }, [])
  const [isOpen, setIsOpen] = useState(false)
  useEffect(() => setIsOpen(false), [path.value])
  const menu = useRef<HTMLButtonElement>(null)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isOpen) return
    setIsOpen(false)
    menu.current?.focus()
  }
  if (needsLogin.value) return <LoginPage />
  const at = path.value
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <nav aria-label="Places" onKeyDown={onKeyDown}>
        <Link to="/" class="brand">
          Taibai
        </Link>
        <button
          type="button"
          class="small menu"
          ref={menu}
          aria-expanded={isOpen}
          aria-controls="places"
          onClick={() => setIsOpen(!isOpen)}
        >
          Menu
        </button>
        <span class={isLive.value ? 'live on' : 'live'} role="status">
          {isLive.value ? 'live' : 'not connected'}
        </span>
        <div id="places" class={isOpen ? 'places open' : 'places'}>
          {places
            .filter(({ forAdmins }) => isAdmin.value || forAdmins === undefined)
            .map(({ to, name }) => (
              <Link key={to} to={to} current={to === '/' ? at === '/' : at === to || at.startsWith(`${to}/`)}>
                {name}
              </Link>
            ))}
        </div>
        {token.value !== null && (
          <p class="me">
            {me.value !== null && (
              <span class="who">{`${me.value.name ?? me.value.kind} · ${me.value.project_id}`}</span>
            )}
            <button type="button" class="small" onClick={logOut}>
              Log out
            </button>
          </p>
        )}
      </nav>
      <main id="content" tabIndex={-1}>
        {pageAt(at)}
      </main>
    </>
  )
}

render(<Console />, document.getElementById('app') as HTMLElement)
