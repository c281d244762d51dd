// Called as AWS Lambda calls functions: does what the event says; over HTTP what the path says.

export async function main(event, context) {
  if (event.rawPath === '/event') return event
  if (event.rawPath === '/answer') {
    return {
      statusCode: 201,
      headers: { 'Content-Type': 'text/plain', 'x-number': 7 },
      cookies: ['a=1; Path=/', 'b=2'],
      body: Buffer.from('grüß').toString('base64'),
      isBase64Encoded: true,
    }
  }
  if (event.rawPath === '/object') return { statusCode: 200, body: { a: 1 } }
  if (event.rawPath === '/text') return 'plain'
  if (event.rawPath === '/many') return { statusCode: 200, multiValueHeaders: { 'x-many': ['a', 'b'] } }
  if (event.rawPath === '/throw') throw new TypeError('as asked')
  if (event.do === 'context') {
    return {
      id: context.awsRequestId,
      name: context.functionName,
      version: context.functionVersion,
      arn: context.invokedFunctionArn,
      memory: context.memoryLimitInMB,
      group: context.logGroupName,
      hasStream: context.logStreamName !== '',
      remaining: context.getRemainingTimeInMillis(),
      custom: context.clientContext?.custom?.tag ?? null,
    }
  }
  if (event.do === 'env') return process.env[event.name] ?? null
  if (event.do === 'throw') throw new TypeError(event.message)
  return event
}

export const nested = { inside: () => 'never', handler: async () => 'nested' }
