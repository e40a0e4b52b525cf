import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { lockFolder } from '../../src/db/embedded/folder-lock.js'
import { describeSelf } from '../../src/db/embedded/lock-holder.js'

let folder: string
let file: string
const ignoreLoss = () => {}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vibed-lock-'))
  file = join(folder, 'lock')
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

/** Reads the lock without a pause, on a core of its own, and tells how often it found one that was cut short. */
const reader = `
  const { readFileSync } = require('node:fs')
  const { workerData, parentPort } = require('node:worker_threads')
  let cut = 0
  parentPort.postMessage('reading')
  while (Atomics.load(workerData.done, 0) === 0) {
    try {
      if (!readFileSync(workerData.file, 'utf8').endsWith('}')) cut++
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
  }
  parentPort.postMessage(cut)`

test('a lock is there whole or not at all, and nothing else stays in the folder', async () => {
  const done = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(reader, { eval: true, workerData: { file, done } })
  await once(worker, 'message')
  for (let n = 0; n < 300; n++) {
    const unlock = await lockFolder(folder, ignoreLoss)
    expect(readdirSync(folder)).toEqual(['lock'])
    unlock()
  }
  Atomics.store(done, 0, 1)
  expect(await once(worker, 'message')).toEqual([0])
  expect(readdirSync(folder)).toEqual([])
})

test('of many that race for a stale lock exactly one gets it', async () => {
  writeFileSync(file, JSON.stringify({ ...describeSelf(), started: '1' }))
  const racers = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder, ignoreLoss)))
  const winners = racers.filter(({ status }) => status === 'fulfilled')
  expect(winners).toHaveLength(1)
  for (const racer of racers) {
    if (racer.status === 'fulfilled') racer.value()
    else expect(racer.reason.message).toContain(`in use by process ${process.pid}:`)
  }
})

test('a takeover that was killed half-way hinders the next one no longer than ten seconds', async () => {
  writeFileSync(file, '')
  writeFileSync(`${file}.takeover`, '')
  const longAgo = new Date(Date.now() - 11_000)
  utimesSync(`${file}.takeover`, longAgo, longAgo)
  const unlock = await lockFolder(folder, ignoreLoss)
  unlock()
})

// Both containers run as pid 1 of their own namespace.
test('a holder in another container is refused while it beats, whatever process has its pid here', async () => {
  writeFileSync(file, JSON.stringify({ ...describeSelf(), pid: 1, space: 'another', host: 'box' }))
  const beat = setInterval(() => utimesSync(file, new Date(), new Date()), 50)
  await expect(lockFolder(folder, ignoreLoss)).rejects.toThrow(
    /in use by process 1 of another container or machine \(box\)/,
  )
  clearInterval(beat)
})

test('the lock of a container that is gone is taken over after ten seconds without a beat', async () => {
  // A process with the same pid lives here: this one.
  writeFileSync(file, JSON.stringify({ ...describeSelf(), space: 'another', host: 'box' }))
  const begun = performance.now()
  const unlock = await lockFolder(folder, ignoreLoss)
  expect(performance.now() - begun).toBeGreaterThan(9_900)
  expect(JSON.parse(readFileSync(file, 'utf8')).space).not.toBe('another')
  unlock()
})

test('a holder beats, so that others see that it lives', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const unlock = await lockFolder(folder, ignoreLoss)
  utimesSync(file, new Date(0), new Date(0))
  vi.advanceTimersByTime(2_000)
  expect(Date.now() - statSync(file).mtimeMs).toBeLessThan(10_000)
  unlock()
})

test('a holder whose lock was removed or replaced learns it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const onLost = vi.fn()
  const unlock = await lockFolder(folder, onLost)
  vi.advanceTimersByTime(4_000)
  expect(onLost).not.toHaveBeenCalled()
  rmSync(file)
  const successor = await lockFolder(folder, ignoreLoss)
  vi.advanceTimersByTime(4_000)
  expect(onLost).toHaveBeenCalledTimes(1)
  unlock()
  expect(readdirSync(folder)).toEqual(['lock'])
  successor()
})
