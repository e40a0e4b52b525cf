import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

test('the example of the README is this one, and does what it says', async () => {
  const [readme, example] = await Promise.all(
    ['../README.md', './example.ts'].map(file => readFile(new URL(file, import.meta.url), 'utf8')),
  )
  expect(readme).toContain(example)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./example.js')
  expect(log.mock.calls).toEqual([['the team has done 75 %']])
})
