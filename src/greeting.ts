import type { Config } from './config.js'

/** What somebody who has just started the server wants to know: where it is, where the data is, who can sign in. */
export function greeting(url: string, config: Config, logins: readonly string[]): string {
  return [
    '',
    `  Vibed is on ${url} (API below /api/v1, description at /docs)`,
    `  Data: ${dataPlace(config)}`,
    ...(logins.length ? ['  Demo logins:', ...logins.map(login => `    ${login}`)] : []),
    '',
    '',
  ].join('\n')
}

/** Without user and password. */
function dataPlace({ databaseUrl, dataDir }: Config): string {
  if (databaseUrl === undefined) return `embedded Postgres in ${dataDir}`
  const { host, pathname } = new URL(databaseUrl)
  return `Postgres at ${host}${pathname}; secrets in ${dataDir}`
}
