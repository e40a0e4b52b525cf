import { readFile } from 'node:fs/promises'
import { Logger } from '@forinda/kickjs-core'
import { expect, test, vi } from 'vitest'

Logger.configure({ level: 'silent' })

test('the example of the README is this one, and does what it says', async () => {
  const [readme, example] = await Promise.all(
    ['../README.md', './example.ts'].map(file => readFile(new URL(file, import.meta.url), 'utf8')),
  )
  expect(readme).toContain(example)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./example.js')
  expect(log.mock.calls).toEqual([['cleaned up']])
})
