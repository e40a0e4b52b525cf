import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Result } from './rounds.js'

const place = fileURLToPath(new URL('../../results.json', import.meta.url))
const server = fileURLToPath(new URL('../../../../dist', import.meta.url))

interface Kept {
  build: string
  results: Result[]
}

/** Adds to what earlier runs have found out about the very same build, so that a page need not come from one long run. */
export function keep(results: readonly Result[]): Result[] {
  const build = fingerprint()
  const kept: Kept = existsSync(place) ? JSON.parse(readFileSync(place, 'utf8')) : { build, results: [] }
  const earlier = kept.build === build ? kept.results : []
  const all = [
    ...earlier.filter(old => !results.some(({ workload }) => workload === old.workload)),
    ...results,
  ]
  writeFileSync(place, JSON.stringify({ build, results: all } satisfies Kept))
  return all
}

/** Is another one whenever the server is. */
function fingerprint(): string {
  const hash = createHash('sha256')
  const files = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter(file =>
    /\.m?js$/.test(file),
  )
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(server, file)))
  return hash.digest('hex')
}
