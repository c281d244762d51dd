import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Programs made with Amazon's own libraries of the Runtime API, as people put them into images and ZIPs. */

const cache = fileURLToPath(new URL('../../node_modules/.cache/registry', import.meta.url))

const ric = 'awslambdaric==4.2.2'

/** A folder to build an image from: a handler in Python behind `awslambdaric`. A sentence says why it cannot be had. */
export function pythonImageFolder(): { folder: string } | string {
  const packages = join(cache, `lambda-image-${ric}`)
  if (!existsSync(packages)) {
    const beside = `${packages}.${process.pid}`
    // For the Python of the image, whatever this machine's is.
    const fit = ['--python-version', '3.13', '--implementation', 'cp', '--platform', 'manylinux2014_x86_64']
    const args = [
      '-m',
      'pip',
      'install',
      '-q',
      '--no-compile',
      '--only-binary',
      ':all:',
      ...fit,
      '--target',
      beside,
      ric,
    ]
    const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' })
    if (status !== 0) return `pip could not install ${ric}: ${stderr?.trim().split('\n').at(-1)}`
    renameSync(beside, packages)
  }
  const folder = mkdtempSync(join(tmpdir(), 'taibai-ric-'))
  cpSync(packages, join(folder, 'packages'), { recursive: true })
  writeFileSync(join(folder, 'app.py'), pythonHandler)
  writeFileSync(join(folder, 'Dockerfile'), pythonDockerfile)
  return { folder }
}

const pythonHandler = `import os

def handler(event, context):
    print("python says", event.get("name"))
    if "fail" in event:
        raise KeyError(event["fail"])
    return {"hello": event.get("name"), "id": context.aws_request_id, "memory": context.memory_limit_in_mb,
            "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis() > 0,
            "path": event.get("rawPath")}

def other(event, context):
    return "the other"

def broken(event, context):
    pass
`

const pythonDockerfile = `ARG PYTHON3
FROM $PYTHON3
ENV PYTHONPATH=/opt/packages
COPY packages /opt/packages
COPY app.py /var/task/app.py
WORKDIR /var/task
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["app.handler"]
`

const goLibrary = 'github.com/aws/aws-lambda-go v1.55.1'

/** A static program in Go behind `aws-lambda-go`: a file named `bootstrap`. A sentence says why it cannot be had. */
export function goBootstrap(): { file: string } | string {
  const folder = join(cache, `bootstrap-${goLibrary.replaceAll(/[^\w.]/g, '_')}`)
  const file = join(folder, 'bootstrap')
  if (existsSync(file)) return { file }
  const go = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(
    (one) => spawnSync(one, ['version']).status === 0,
  )
  if (go === undefined) return 'There is no Go on this machine.'
  const beside = `${folder}.${process.pid}`
  mkdirSync(beside, { recursive: true })
  writeFileSync(join(beside, 'go.mod'), `module example.org/hello\n\ngo 1.23\n\nrequire ${goLibrary}\n`)
  writeFileSync(join(beside, 'main.go'), goProgram)
  const env = { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' }
  const built = spawnSync(go, ['build', '-ldflags=-s -w', '-o', 'bootstrap', '.'], {
    cwd: beside,
    env,
    encoding: 'utf8',
  })
  if (built.status === 0) renameSync(beside, folder)
  else rmSync(beside, { recursive: true, force: true })
  return built.status === 0 ? { file } : `go could not build: ${built.stderr?.trim().split('\n').at(-1)}`
}

const goProgram = `package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Name string \`json:"name"\`
	Fail string \`json:"fail"\`
}

func handle(ctx context.Context, e event) (map[string]any, error) {
	c, _ := lambdacontext.FromContext(ctx)
	fmt.Println("go says", e.Name)
	if e.Fail != "" {
		return nil, errors.New(e.Fail)
	}
	return map[string]any{"hello": e.Name, "id": c.AwsRequestID, "function": lambdacontext.FunctionName}, nil
}

func main() { lambda.Start(handle) }
`
