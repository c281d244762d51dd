import type { Operation } from './aws-call.ts'
import type { EventInvokeOperations } from './event-invoke-operations.ts'
import type { FunctionOperations } from './function-operations.ts'
import type { InvokeOperations } from './invoke-operations.ts'
import type { PolicyOperations } from './policy-operations.ts'
import type { SettingOperations } from './setting-operations.ts'
import type { VersionOperations } from './version-operations.ts'

export interface Route {
  method: string
  pattern: RegExp
  operation: Operation
  /** The body contains a ZIP as base64. */
  takesCode: boolean
}

export interface Operations {
  functions: FunctionOperations
  invoke: InvokeOperations
  versions: VersionOperations
  settings: SettingOperations
  policies: PolicyOperations
  eventInvoke: EventInvokeOperations
}

/** Every operation with its path, which begins with the date of its version. */
export function routesOf({ functions, invoke, versions, settings, policies, eventInvoke }: Operations): Route[] {
  const all = '/2015-03-31/functions'
  const one = `${all}/:name`
  const url = '/2021-10-31/functions/:name'
  const eventInvokePath = '/2019-09-25/functions/:name/event-invoke-config'
  const table: [method: string, path: string, operation: Operation, takesCode?: boolean][] = [
    ['POST', `${one}/invocations`, invoke.invoke],
    ['POST', '/2021-11-15/functions/:name/response-streaming-invocations', invoke.invokeStreaming],
    ['POST', '/2014-11-13/functions/:name/invoke-async', invoke.invokeAsync],
    ['POST', all, functions.create, true],
    ['GET', all, functions.list],
    ['GET', one, functions.get],
    ['DELETE', one, functions.delete],
    ['GET', `${one}/configuration`, functions.configuration],
    ['PUT', `${one}/configuration`, functions.updateConfiguration],
    ['PUT', `${one}/code`, functions.updateCode, true],
    ['POST', `${one}/versions`, versions.publish],
    ['GET', `${one}/versions`, versions.list],
    ['POST', `${one}/aliases`, versions.createAlias],
    ['GET', `${one}/aliases`, versions.listAliases],
    ['PUT', `${one}/aliases/:alias`, versions.updateAlias],
    ['GET', `${one}/aliases/:alias`, versions.getAlias],
    ['DELETE', `${one}/aliases/:alias`, versions.deleteAlias],
    ['POST', `${one}/policy`, policies.add],
    ['GET', `${one}/policy`, policies.get],
    ['DELETE', `${one}/policy/:statement`, policies.remove],
    ['POST', `${url}/url`, settings.createUrl],
    ['PUT', `${url}/url`, settings.updateUrl],
    ['GET', `${url}/url`, settings.getUrl],
    ['DELETE', `${url}/url`, settings.deleteUrl],
    ['GET', `${url}/urls`, settings.listUrls],
    ['PUT', eventInvokePath, eventInvoke.put],
    ['POST', eventInvokePath, eventInvoke.update],
    ['GET', eventInvokePath, eventInvoke.get],
    ['DELETE', eventInvokePath, eventInvoke.delete],
    ['GET', `${eventInvokePath}/list`, eventInvoke.list],
    ['GET', '/2017-03-31/tags/:arn', settings.listTags],
    ['POST', '/2017-03-31/tags/:arn', settings.tag],
    ['DELETE', '/2017-03-31/tags/:arn', settings.untag],
    ['PUT', '/2017-10-31/functions/:name/concurrency', settings.putConcurrency],
    ['DELETE', '/2017-10-31/functions/:name/concurrency', settings.deleteConcurrency],
    ['GET', '/2019-09-30/functions/:name/concurrency', settings.concurrency],
    ['GET', '/2020-06-30/functions/:name/code-signing-config', settings.codeSigning],
    ['GET', '/2016-08-19/account-settings', settings.accountSettings],
  ]
  return table.map(([method, path, operation, takesCode = false]) => {
    const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '([^/]+)')}/?$`)
    return { method, pattern, operation, takesCode }
  })
}
