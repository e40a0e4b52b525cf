import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Result } from '../chaos/lab/figures.js'

const lab = fileURLToPath(new URL('../chaos/dist/chaos/main.js', import.meta.url))

/** Give `CHAOS_SEED` to see a run again. */
const seed = process.env.CHAOS_SEED ?? String(Date.now() % 1_000_000)

/** A small run of the lab; it ends with the test. */
async function run(scenario: string): Promise<Result> {
  if (!existsSync(lab)) throw new Error(`${lab} is missing: run npx tsc -b chaos`)
  const args = [lab, '--small', '--json', '--seed', seed, '--scenario', scenario]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGINT')
    await ended
  })
  const [answer, log] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [result]: Result[] = answer === '' ? [] : JSON.parse(answer)
  if (!result) throw new Error(`The lab found nothing: ${log}`)
  return result
}

/** What is wrong, but for times: those are the machine's, which may have other things to do. */
function missed({ figures }: Result): string[] {
  const wrong = figures.filter(({ ok, bar }) => !ok && !bar?.endsWith(' ms'))
  return wrong.map(({ name, value, bar }) => `${name}: ${value}, not ${bar}`)
}

describe(`two nodes and forty clients (CHAOS_SEED=${seed})`, { timeout: 120_000 }, () => {
  test('show everybody everything once and in order while all connections break again and again', async () => {
    expect(missed(await run('jitter'))).toEqual([])
  })

  test('lose nothing and come back when a node is killed, stands still, and Postgres is killed', async () => {
    expect(missed(await run('kills'))).toEqual([])
  })
})
