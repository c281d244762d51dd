import { render } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { get, logOut, needsLogin, token } from './api.ts'
import { follow, isLive } from './live.ts'
import { followMe, isAdmin, me } from './me.ts'
import { BuildPage, BuildsPage } from './pages/builds.tsx'
import { DeadLetters } from './pages/dead-letters.tsx'
import { Execution } from './pages/execution.tsx'
import { Executions } from './pages/executions.tsx'
import { Function_ } from './pages/function.tsx'
import { Functions } from './pages/functions.tsx'
import { Images } from './pages/images.tsx'
import { Jobs } from './pages/jobs.tsx'
import { Login } from './pages/login.tsx'
import { NewFunction } from './pages/new-function.tsx'
import { Overview } from './pages/overview.tsx'
import { Project } from './pages/project.tsx'
import { Projects } from './pages/projects.tsx'
import { Runtimes } from './pages/runtimes.tsx'
import { Secrets } from './pages/secrets.tsx'
import { Server } from './pages/server.tsx'
import { Settings } from './pages/settings.tsx'
import { Tokens } from './pages/tokens.tsx'
import { Usage } from './pages/usage.tsx'
import { Webhooks } from './pages/webhooks.tsx'
import { WhatIf } from './pages/what-if.tsx'
import { Workers } from './pages/workers.tsx'
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
  if (place === 'functions' && id === 'new') return <NewFunction />
  if (place === 'functions' && id) return <Function_ key={id} id={id} />
  if (place === 'projects' && id) return <Project key={id} id={id} />
  if (place === 'builds' && id) return <BuildPage key={id} id={id} />
  if (place === 'executions' && id) return <Execution key={id} id={id} />
  switch (place) {
    case '':
      return <Overview />
    case 'functions':
      return <Functions />
    case 'executions':
      return <Executions />
    case 'builds':
      return <BuildsPage />
    case 'dead-letters':
      return <DeadLetters />
    case 'jobs':
      return <Jobs />
    case 'webhooks':
      return <Webhooks />
    case 'secrets':
      return <Secrets />
    case 'usage':
      return <Usage />
    case 'workers':
      return <Workers />
    case 'what-if':
      return <WhatIf />
    case 'runtimes':
      return <Runtimes />
    case 'images':
      return <Images />
    case 'projects':
      return <Projects />
    case 'settings':
      return <Settings />
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
    // In open mode this succeeds without a token; else it leads to the login.
    void get('/v1/runtimes').catch(() => {})
    void follow()
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
  if (needsLogin.value) return <Login />
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
