import { FaasError } from '../../domain/errors.ts'

/** Lines of output in a refusal. */
const shownLines = 30
const shownBytes = 6000

/** The error for the caller of a failed build: the reason, what helps, the last lines of output, and where the full log is. */
export function buildRefusal(why: string, log: string, id: string): FaasError {
  const lines = lastLines(log)
  const printed = lines.trim() === '' ? [] : ['Its last lines:', lines]
  const help = remedies.filter(({ sign }) => sign.test(log.slice(-searchedBytes))).map(({ text }) => text)
  const text = [`The build failed, and nothing was changed: ${why}`, ...help, ...printed, whereAllIs(id)]
  return new FaasError('build_failed', text.join('\n'))
}

/** The reason for the record of a failed build, with the end of what the tool printed; the record's log has everything. */
export function withLastLines(why: string, log: string): string {
  const printed = lastLines(log)
    .split('\n')
    .filter((line) => line.trim() !== '')
  if (printed.length === 0) return why
  return [why, ...printed.slice(-recordedLines)].join('\n').slice(0, recordedCharacters)
}

const recordedLines = 5
const recordedCharacters = 1000

/** npm prints its manual after some errors. */
function lastLines(log: string): string {
  const lines = log.trimEnd().split('\n')
  const from = lines.findIndex((line) => line.startsWith('npm error Clean install a project'))
  const to = lines.findIndex((line) => line.startsWith('npm error Run "npm help'))
  if (from !== -1 && to > from) lines.splice(from, to - from + 1)
  return lines.slice(-shownLines).join('\n').slice(-shownBytes)
}

/** The end of an output that is searched for signs. */
const searchedBytes = 100_000

/** What tools say when the builder lacks something, and what to do. */
const remedies: { sign: RegExp; text: string }[] = [
  {
    sign: /package\.json and (package-lock\.json|npm-shrinkwrap\.json).* in sync|ERR_PNPM_OUTDATED_LOCKFILE|lockfile needs to be updated|lockfile had changes, but lockfile is frozen|changed significantly since poetry\.lock/,
    text: 'The lock file does not fit the list of dependencies: install again where the code is written (such as npm install), and deploy the new lock file.',
  },
  {
    sign: /gyp ERR! (find Python|stack Error: not found: make)|not found: (make|g\+\+|gcc|cc)\b|(command|execute) '?[\w-]*(gcc|g\+\+|cc|clang)'? ?(failed: No such file|: No such file)|Unknown compiler|pg_config executable not found/,
    text: 'A module is compiled, and the builder has no compiler or library for it: the operator can add Debian packages (TAIBAI_BUILD_PACKAGES=g++,make,python3; for Python gcc,libc6-dev,python3-dev).',
  },
  {
    sign: /spawn git\b|Cannot find command 'git'|git: not found|git executable/i,
    text: 'A dependency comes from a Git repository, and the builder has no git: depend on a released version or the address of an archive, or the operator adds it (TAIBAI_BUILD_PACKAGES=git).',
  },
  {
    sign: /\bE40[13]\b|ERR_PNPM_FETCH_40[13]|\b40[13] (Client )?(Error|Forbidden|Unauthorized)|Response Code:?.{0,20}\b40[13]\b|status code 40[13]|statusCode=40[13]|Request failed "40[13]/,
    text: 'The registry refuses access: a secret whose name begins with BUILD_ gives builds a token (taibai secret set BUILD_NPM_TOKEN, and a reference to NPM_TOKEN in .npmrc; BUILD_PIP_INDEX_URL for pip).',
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|Failed to establish a new connection|Name or service not known|Temporary failure in name resolution|dial tcp/,
    text: 'A registry was not reached from the network of builds: TAIBAI_BUILD_NETWORK and the proxy and registry variables of builds are settings of the operator.',
  },
  {
    sign: /SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)|CERTIFICATE_VERIFY_FAILED|self-signed certificate|unknown authority/,
    text: 'The certificate of a registry or proxy is not trusted: the operator names its authority in TAIBAI_BUILD_CERTIFICATES_FILE.',
  },
]

const whereAllIs = (id: string): string =>
  `Its whole output: taibai builds log ${id} (GET /v1/builds/${id}/log). If nothing has to be installed: taibai deploy --no-build (?build=never).`
