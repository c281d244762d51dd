import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CommandDriver, type Printed } from './command-driver.ts'
import { nodePackages, pythonPackages } from './registry-packages.ts'

/** Real clients of AWS Lambda and what people put into their functions, from PyPI and npm. */

/** `Debian`: the second major version, whose configuration differs from that of PyPI's. */
const debianCli = '/usr/bin/aws'

const fromPyPI = ['boto3==1.44.8', 'awscli==1.46.3', 'mangum==0.22.0', 'aws-lambda-powertools==3.37.0']
const fromNpm = ['@aws-sdk/client-lambda@3.1164.0', 'serverless-http@4.0.0', '@aws-lambda-powertools/logger@2.36.0']

export interface AwsClients {
  /** Folder of Python packages. */
  python: string
  /** Folder with `node_modules`. */
  node: string
}

/** A sentence says why they are not there. */
export function awsClients(): AwsClients | string {
  const python = pythonPackages(fromPyPI)
  const node = nodePackages(fromNpm)
  return python.problem ?? node.problem ?? { python: python.folder, node: node.folder }
}

export const hasDebianCli = (): boolean => existsSync(debianCli)

export interface Credentials {
  url: string
  keyId: string
  secret: string
}

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

const environment = ({ keyId, secret }: Credentials) => ({
  PATH: process.env.PATH ?? '',
  HOME: tmpdir(),
  AWS_ACCESS_KEY_ID: keyId,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
  AWS_MAX_ATTEMPTS: '1',
})

/** The program as its user would start it, and what it printed. */
function run(program: string, args: string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** `aws … lambda` of Debian, or of PyPI. */
export async function cli(which: 'debian' | 'pypi', clients: AwsClients, by: Credentials, folder: string) {
  const own: Record<string, string> = which === 'debian' ? {} : { PYTHONPATH: clients.python }
  const env = { ...environment(by), ...own }
  const driver = await CommandDriver.start(which === 'debian' ? '/usr/bin/python3' : 'python3', 'aws', env)
  const endpoint = ['--endpoint-url', by.url, '--output', 'json', 'lambda']
  return {
    aws: (...args: string[]): Promise<Printed> => driver.run({ args: [...endpoint, ...args], env, cwd: folder }),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

/** A program of boto3's user: `client` is there. */
export const boto3 = (clients: AwsClients, by: Credentials, program: string, folder: string): Promise<Ran> => {
  const file = join(folder, 'story.py')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `import boto3\nclient = boto3.client('lambda', endpoint_url='${by.url}')\n${program}`)
  return run('python3', [file], { ...environment(by), PYTHONPATH: clients.python }, folder)
}

/** A program of a user of the SDK for JavaScript: `lambda` is the module, `client` a client. */
export const sdk = (clients: AwsClients, by: Credentials, program: string): Promise<Ran> => {
  const file = join(clients.node, `story-${process.pid}.mjs`)
  const start = `import * as lambda from '@aws-sdk/client-lambda'
const client = new lambda.LambdaClient({ endpoint: '${by.url}', region: 'eu-central-1', maxAttempts: 1 })
const send = (name, input) => client.send(new lambda[name + 'Command'](input))
`
  writeFileSync(file, start + program)
  return run(process.execPath, [file], environment(by), clients.node).finally(() => rmSync(file, { force: true }))
}
