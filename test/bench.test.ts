import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Result } from '../bench/lab/rounds.js'
import { verdicts } from '../bench/lab/verdicts.js'
import type { Bar, Workload } from '../bench/lab/workload.js'
import { FrameReader, frame, TEXT } from '../bench/load/frames.js'

const bench = fileURLToPath(new URL('../bench/dist/bench/main.js', import.meta.url))

/** One of each kind: all of them together would take minutes. */
const WORKLOADS = 'chat-10,hello,stream-broadcast'

/** A run of some workloads in sizes too small for figures; it ends with the test. */
async function shortRun(): Promise<Result[]> {
  if (!existsSync(bench)) throw new Error(`${bench} is missing: run npx tsc -b bench`)
  const command = [bench, '--short', '--json', '--workload', WORKLOADS]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGINT')
    await ended
  })
  const [answer, log] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (answer === '') throw new Error(`The bench found nothing: ${log}`)
  return JSON.parse(answer)
}

test('the work of the bench can be done by all its contenders, and what comes of it is right', {
  timeout: 300_000,
}, async () => {
  const results = await shortRun()

  expect(results.flatMap(({ failed }) => failed ?? [])).toEqual([])
  const figures = results.flatMap(({ contenders }) => contenders).map(contender => contender.figures)
  expect(results.map(({ workload }) => workload).sort()).toEqual(WORKLOADS.split(',').sort())
  for (const all of figures)
    expect(Object.values(all).map(({ median }) => Number.isFinite(median))).not.toContain(false)
})

describe('a bar', () => {
  const workload = (bar: Bar): Workload => ({
    name: 'work',
    title: 'Work',
    figures: [
      { name: 'done', unit: '/s', better: 'more' },
      { name: 'time', unit: ' ms', better: 'less' },
    ],
    bars: [bar],
    open: async () => [],
  })
  const values = (median: number) => ({ least: median, median, most: median })
  const result: Result = {
    workload: 'work',
    seconds: 1,
    runs: 1,
    contenders: [
      { name: 'ours', figures: { done: values(600), time: values(3) } },
      { name: 'theirs', figures: { done: values(1000), time: values(2) } },
    ],
  }
  const isCleared = (bar: Bar) => verdicts(workload(bar), result).map(({ ok }) => ok)

  test('may ask for a share of what another one does', () => {
    expect(isCleared({ figure: 'done', against: 'theirs', atLeast: 0.6 })).toEqual([true])
    expect(isCleared({ figure: 'done', against: 'theirs', atLeast: 0.61 })).toEqual([false])
  })

  test('may allow for more time than another one needs, and says how much more it is', () => {
    expect(isCleared({ figure: 'time', against: 'theirs', atLeast: 1 / 1.5 })).toEqual([true])
    expect(isCleared({ figure: 'time', against: 'theirs', atLeast: 1 / 1.4 })).toEqual([false])
    const [verdict] = verdicts(workload({ figure: 'time', against: 'theirs', atLeast: 1 / 1.5 }), result)
    expect(verdict).toMatchObject({ ratio: '1.5 ×', bar: '≤ 1.5 ×' })
  })

  test('may be a number, to be reached or not to be passed', () => {
    expect(isCleared({ figure: 'done', limit: 600 })).toEqual([true])
    expect(isCleared({ figure: 'done', limit: 601 })).toEqual([false])
    expect(isCleared({ figure: 'time', limit: 3 })).toEqual([true])
    expect(isCleared({ figure: 'time', limit: 2.9 })).toEqual([false])
  })
})

test('frames are found however the bytes of the connection are cut', () => {
  const contents = ['', 'short', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(3_000)]
  const bytes = Buffer.concat(contents.map(content => unmasked(frame(TEXT, content))))
  for (const size of [1, 2, 3, 7, 1_000, bytes.length]) {
    const heard: string[] = []
    const reader = new FrameReader((_kind, all, start, end) => heard.push(all.toString('utf8', start, end)))
    for (let at = 0; at < bytes.length; at += size) reader.read(Buffer.from(bytes.subarray(at, at + size)))
    expect(heard).toEqual(contents)
  }
})

/** As a server would send it: clients' frames have a mask of four bytes before their content. */
function unmasked(masked: Buffer): Buffer {
  const short = masked.readUInt8(1) & 0x7f
  const head = Buffer.from(masked.subarray(0, short === 126 ? 4 : 2))
  head.writeUInt8(short, 1)
  return Buffer.concat([head, masked.subarray(head.length + 4)])
}
