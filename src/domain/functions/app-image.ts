import { invalid } from '../errors.ts'

/** Images of Azure Functions: their app runs in a runtime of ours, without the host that is in the image. */

/** Where these images have their app. */
export const appFolder = '/home/site/wwwroot'

/** Runtimes for the languages that an image may say it is for. */
const runtimes: Record<string, string> = { node: 'nodejs', custom: 'nodejs', python: 'python3' }

/** Variables of the bases of such images, which are for their host, not for the app. */
const ofHost =
  /^(PATH|HOME|HOST|LANG|LC_ALL|PORT|PWD|DEBIAN_FRONTEND|ACCEPT_EULA|AzureWebJobsScriptRoot|AzureFunctionsJobHost__.*|ASPNET.*|DOTNET.*|FUNCTIONS_.*|WEBSITE_.*|NODE_VERSION|YARN_VERSION|PYTHON.*|GPG_KEY|languageWorkers.*)$/

/**
 * The runtime and the environment of an app that is in an image. Throws FaasError `invalid_request` for an image of another
 * language, or of no app.
 */
export function appOfImage(
  image: string,
  env: Record<string, string>,
): { runtime: string; env: Record<string, string> } {
  const language = env.FUNCTIONS_WORKER_RUNTIME
  const runtime = runtimes[language ?? '']
  if (runtime === undefined) {
    const said = language === undefined ? 'does not set FUNCTIONS_WORKER_RUNTIME' : `is for ${JSON.stringify(language)}`
    throw invalid(
      `The image ${image} ${said}: apps for ${Object.keys(runtimes).join(', ')} can be taken out of images.`,
    )
  }
  return { runtime, env: Object.fromEntries(Object.entries(env).filter(([name]) => !ofHost.test(name))) }
}
